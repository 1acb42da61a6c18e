"""./dev bench dynamodb [PEER...]: tables, one processor for the server and one for the load."""
from load import compare
from peers import install

PEERS = ["dynalite", "moto", "ministack"]
COMMON = ["--connections", 32, "--fresh"]
WORKLOADS = [
    ("PutItem, 300 B", "put-item", "items"),
    ("GetItem, 300 B", "get-item", "items"),
    ("BatchWriteItem, 25 x 300 B", "batch-write", "items"),
    ("Query, 100 items of 300 B", "query", "items"),
    ("UpdateItem, a counter", "update-item", "updates"),
]


def main(names, rounds=3, seconds=8):
    install()
    for title, workload, unit in WORKLOADS:
        compare(f"{title}, 32 connections", workload, COMMON, ["millrace", *(names or PEERS)], rounds, seconds, unit)
