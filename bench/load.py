"""Workloads of a closed-loop load generator against one server after the other, in turns.

The generator signs every request, checks every answer and prints one line of JSON. It is a program of
its own: LOADGEN names its binary, or LOADGEN_SOURCE its one C++ file (../shared/bench/loadgen.cpp).
"""
import json
import os
import pathlib
import statistics
import subprocess

from peers import ROOT, pinned, running

SERVER_CORE, CLIENT_CORE = 0, 1


def generator():
    given = os.environ.get("LOADGEN")
    if given:
        return pathlib.Path(given)
    source = pathlib.Path(os.environ.get("LOADGEN_SOURCE", ROOT.parent / "shared/bench/loadgen.cpp"))
    binary = ROOT / "build" / "loadgen"
    if not binary.exists() or binary.stat().st_mtime < source.stat().st_mtime:
        subprocess.run(["c++", "-O2", "-std=c++17", source, "-o", binary, "-lcrypto", "-lpthread"], check=True)
    return binary


def measure(name, workload, seconds, arguments):
    """One run against a fresh server. None: the server cannot do it."""
    with running(name, SERVER_CORE) as (pid, endpoint, key, secret):
        command = [generator(), "--endpoint", endpoint, "--access-key", key, "--secret", secret, "--region",
                   "us-east-1", "--workload", workload, "--seconds", seconds, "--json", "--server-pid", pid,
                   *arguments]
        ran = subprocess.run(pinned(CLIENT_CORE, command), capture_output=True, text=True)
    try:
        return json.loads(ran.stdout.strip().splitlines()[-1])
    except (json.JSONDecodeError, IndexError):
        print(f"    {name}: {ran.stderr.strip()[-200:]}")
        return None


def compare(title, workload, arguments, servers, rounds, seconds, unit):
    """Prints medians of `rounds` runs made in turns, and what Millrace is to the best of the others."""
    print(f"\n{title}: {rounds} rounds of {seconds} s", flush=True)
    runs = {name: [] for name in servers}
    for _ in range(rounds):
        for name in servers:
            run = measure(name, workload, seconds, arguments)
            if run:
                runs[name].append(run)
    print(f"  {'':14}{unit + '/s':>14}{'requests/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'CPU':>6}{'MiB':>8}{'failed':>8}")
    rates = {}
    for name, own in runs.items():
        if not own:
            print(f"  {name:14} cannot")
            continue
        middle = {field: statistics.median(run[field] for run in own)
                  for field in ("units_per_s", "requests_per_s", "p50_us", "p99_us", "server_cpu",
                                "server_rss_after_mb")}
        failed = sum(run["non200"] + run["unit_failures"] + run["conn_errors"] for run in own)
        rates[name] = middle["units_per_s"]
        print(f"  {name:14}{middle['units_per_s']:14,.0f}{middle['requests_per_s']:12,.0f}{middle['p50_us'] / 1000:9.2f}"
              f"{middle['p99_us'] / 1000:9.2f}{middle['server_cpu']:6.2f}{middle['server_rss_after_mb']:8.0f}{failed:8}")
    others = {name: rate for name, rate in rates.items() if name not in ("millrace", "nginx")}
    if "millrace" in rates and others:
        best = max(others, key=others.get)
        times = f"{rates['millrace'] / others[best]:.1f} times" if others[best] else "without comparison:"
        print(f"  millrace is {times} {best}", flush=True)
    return rates
