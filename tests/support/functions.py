"""Functions for tests: a role with rights, packages from text, and what a function has printed."""
import io
import json
import zipfile

from support.logs import messages

TRUST = {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole"}]}
LOGS = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}


def package(files, mode=0o755):
    """A zip of path to text."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, text in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = (0o100000 | mode) << 16
            archive.writestr(entry, text)
    return made.getvalue()


def files_of(folder, under=""):
    """What package() takes, of a folder of this machine."""
    return {f"{under}{path.relative_to(folder)}": path.read_bytes()
            for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


class Functions:
    """A role, and the functions that a test makes with it."""

    def __init__(self, server, name):
        self.name, self.server = name, server
        self.iam, self.lambda_ = server.client("iam"), server.client("lambda")
        self.logs = server.client("logs")
        self.role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self.allow()
        self.made = []

    def allow(self, *statements):
        self.iam.put_role_policy(RoleName=self.name, PolicyName="p",
                                 PolicyDocument=json.dumps({"Statement": [LOGS, *statements]}))

    def create(self, name, files, runtime="python3.12", handler="code.handler", **settings):
        if isinstance(files, str):
            files = {"index.mjs" if runtime.startswith("nodejs") else "code.py": files}
        zipped = files if isinstance(files, bytes) else package(files)
        made = self.lambda_.create_function(
            FunctionName=name, Runtime=runtime, Handler=handler, Role=self.role,
            **{"Timeout": 20} | settings, Code={"ZipFile": zipped})
        self.made.append(name)
        return made

    def invoke(self, name, event=None, **how):
        answer = self.lambda_.invoke(FunctionName=name, Payload=json.dumps(event).encode(), **how)
        payload = answer["Payload"].read()
        assert "FunctionError" not in answer, payload
        return json.loads(payload) if payload else None

    def printed(self, name, word):
        return [json.loads(line.split(word + " ", 1)[1]) for line in messages(self.logs, name, word)]

    def close(self):
        for name in self.made:
            self.lambda_.delete_function(FunctionName=name)
        self.iam.delete_role_policy(RoleName=self.name, PolicyName="p")
        self.iam.delete_role(RoleName=self.name)
