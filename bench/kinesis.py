"""./dev bench kinesis [PEER...]: streams, one processor for the server and one for the load."""
import json
import subprocess

from load import CLIENT_CORE, compare, generator
from peers import install, pinned, running

PEERS = ["kinesalite", "kinesis-mock", "moto", "ministack"]
COMMON = ["--connections", 32, "--shards", 4, "--fresh"]


def ceiling(body_bytes, rounds, seconds):
    """nginx's empty 200 to signed bodies of that size, requests a second."""
    rates = []
    for _ in range(rounds):
        with running("nginx", 0) as (_, endpoint, key, secret):
            command = [generator(), "--endpoint", endpoint, "--access-key", key, "--secret", secret, "--workload",
                       "ping", "--ping-body", body_bytes, "--connections", 32, "--seconds", seconds, "--json"]
            ran = subprocess.run(pinned(CLIENT_CORE, command), check=True, capture_output=True, text=True)
            rates.append(json.loads(ran.stdout.strip().splitlines()[-1])["requests_per_s"])
    return sorted(rates)[len(rates) // 2]


def main(names, rounds=3, seconds=8):
    install()
    servers = ["millrace", *(names or PEERS)]
    single = compare("PutRecord, 1 KiB, 32 connections", "put-record", COMMON, servers, rounds, seconds, "records")
    many = compare("PutRecords, 500 x 1 KiB, 32 connections", "put-records", COMMON, servers, rounds, seconds,
                   "records")
    compare("GetRecords, pages of up to 10 MiB, 32 connections", "get-records",
            [*COMMON, "--preload", 100_000], servers, rounds, seconds, "records")
    small, large = ceiling(1_500, rounds, 4), ceiling(715_000, rounds, 4)
    print(f"\nOf nginx's empty 200: PutRecord {single['millrace'] / small:.2f} of {small:,.0f} requests/s, "
          f"PutRecords {many['millrace'] / 500 / large:.2f} of {large:,.0f}")
