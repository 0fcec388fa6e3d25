"""Daybreak's outbox over a real OpenSMTPD: `python tests/peers/opensmtpd.py`, as root, with apt's opensmtpd.

Forty mails go over kept connections. The server takes them all and finds out later that it cannot deliver one: it reports that to the
return path, and Daybreak reads the report from the Maildir it lands in. Ends with 1 if a mail is lost, doubled, or not known to be.
"""

from __future__ import annotations

import json
import mailbox
import shutil
import smtplib
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1]), str(Path(__file__).parent)]

from digests.bounces import take_in
from digests.deliver import Smtp
from full_outbox import NOW, Outbox
from neighbours import running
from running import free_port, until
from warehouse.home import Home

GONE, RETURN_PATH = "p3@example.org", "bounces+*@example.org"
CONF = """
listen on 127.0.0.1 port {port}
table vu {{ "@" = nobody }}
action "keep" maildir "{folder}/box" virtual <vu>
action "fail" mda "exit 67" virtual <vu>
match from any for rcpt-to "{gone}" action "fail"
match from any for any action "keep"
"""


def main() -> None:
    smtpd = shutil.which("smtpd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if smtpd is None:
        raise SystemExit("OpenSMTPD is not on this machine (apt install opensmtpd)")
    folder = Path(tempfile.mkdtemp(prefix="daybreak-opensmtpd-"))
    folder.chmod(0o755)
    (folder / "box").mkdir()
    (folder / "box").chmod(0o777)  # it delivers as nobody
    port = free_port()
    (folder / "conf").write_text(CONF.format(port=port, folder=folder, gone=GONE))
    with running([smtpd, "-d", "-f", str(folder / "conf")], cwd=folder, env={}, log=folder / "smtpd.log"):
        until(lambda: greets(port), what="OpenSMTPD")
        told = rehearse(folder, port)
    print(json.dumps(told))
    shutil.rmtree(folder)
    sys.exit(0 if told["well"] else 1)


def rehearse(folder: Path, port: int) -> dict[str, object]:
    outbox = Outbox(Home(folder / "home"), 40).fill()
    began = time.perf_counter()
    outbox.send(replace(Smtp.at(f"smtp://127.0.0.1:{port}?connections=4"), return_path=RETURN_PATH))
    seconds = time.perf_counter() - began
    box = folder / "box"
    until(lambda: len(list((box / "new").glob("*"))) >= 40, seconds=60, what="39 mails and a report")
    delivered = Counter(message["To"] for message in mailbox.Maildir(box) if message["To"].startswith("p"))
    read = str(take_in(outbox.home, str(box), NOW, return_path=RETURN_PATH, say=print))
    gone = outbox.of(GONE)
    well = (
        sorted(delivered.elements()) == sorted(f"p{n}@example.org" for n in range(40) if n != 3)
        and (read, gone.state) == ("reports=1 ours=1 suppressed=0", "refused")
        and outbox.states() == Counter(sent=39, refused=1)
    )
    return {
        "well": well,
        "delivered": delivered.total(),
        "read": read,
        "of_the_lost_one": gone.reason,
        "seconds": round(seconds, 2),
    }


def greets(port: int) -> bool:
    try:
        smtplib.SMTP("127.0.0.1", port).quit()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
