"""Makes daiad-extract.csv.gz: seven of the fourteen users' rows of one irrigation season, each row as it is.

    python3 make_extract.py REGISTERS.csv daiad-extract.csv.gz
"""

import gzip
import sys

USERS = {"457734ad", "9348c9bb", "9f28c3a3", "bf15f6ba", "d986766e", "df789230", "e3b4516c"}
MONTHS = {f"/{month:02}/2016 " for month in range(3, 10)}

if __name__ == "__main__":
    source, target = sys.argv[1:]
    with open(source, newline="") as lines, open(target, "wb") as raw:
        # No name and no time in the header: the same rows give the same file.
        with gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
            for number, line in enumerate(lines):
                user, time = (line.split(";") + [""])[:2]
                if number == 0 or (user in USERS and time[2:11] in MONTHS):
                    out.write(line.encode())
