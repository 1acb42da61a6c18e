"""Packs one executable as a Lambda deployment package: a zip that holds `bootstrap`, mode 0755.

The same binary gives the same bytes (fixed date), so a package's hash changes only with its code.
Usage: make_zip.py EXECUTABLE ZIP
"""

import os
import sys
import zipfile


def main() -> None:
    executable, target = sys.argv[1:]
    entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
    entry.create_system = 3  # Unix: the upper half of external_attr is st_mode
    entry.external_attr = 0o100755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    with open(executable, "rb") as file:
        content = file.read()
    partial = target + ".partial"
    with zipfile.ZipFile(partial, "w") as archive:
        archive.writestr(entry, content, compresslevel=9)
    os.replace(partial, target)


if __name__ == "__main__":
    main()
