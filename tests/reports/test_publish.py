from __future__ import annotations

import json as stdlib_json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from readiness.errors import ReportError, UsageError
from readiness.model import Answer, Decision, EnvironmentInfo, Measurement, Outcome, RunInfo
from readiness.redact import Redactor
from readiness.reports import folder as report_folder
from readiness.reports import json
from readiness.reports.publish import WRITERS, prepare_folder, publish, publish_unfinished
from tests.reports import samples

NAMES = ["report.json", "report.html", "junit.xml", "report.sarif", "summary.md", "metrics.prom"]
SECRET = "hunter2-hunter2-x9Zq"


def run(number: int, day: int = 21) -> RunInfo:
    stamp = f"2026-11-{day:02}T13:00:{number % 60:02}Z"
    return replace(samples.RUN, id=f"run-{number}", started=stamp, finished=stamp)


def redactor(**secrets: str) -> Redactor:
    made = Redactor()
    for name, value in secrets.items():
        made.add(name, value)
    return made


def read(folder: Path) -> Decision:
    return json.decision_from(json.read(folder / "report.json"))


def history(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "history").glob("*"))


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_the_whole_set_is_written(tmp_path: Path) -> None:
    """The files of the contract, `report.json` first, and nothing beside them."""
    paths = publish(samples.no_go(), tmp_path, redactor())
    assert [path.name for path in paths] == NAMES
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
    assert read(tmp_path) == samples.no_go()
    for writer in WRITERS:
        assert (tmp_path / writer.name).read_bytes() == writer.render(json.document(samples.no_go()))


def test_reports_can_be_read_by_others(tmp_path: Path) -> None:
    """A report has the permissions of any new file, so that a CI server's user can collect it."""
    before = os.umask(0o022)
    try:
        paths = publish(samples.go(), tmp_path, redactor())
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o644}


def test_runbooks_are_linked_from_where_the_page_is(tmp_path: Path) -> None:
    """A runbook's path, relative to the repository, leads there from the report folder."""
    folder = tmp_path / "reports" / "staging"
    folder.mkdir(parents=True)
    publish(samples.no_go(), folder, redactor(), root=tmp_path)
    assert 'href="../../docs/runbook.md#database-is-slow"' in (folder / "report.html").read_text("utf-8")


def test_further_files_are_redacted(tmp_path: Path) -> None:
    """A log stands beside the reports, without the secrets that the service wrote into it; binary files stay as they are."""
    extra = {"service.log": f"connecting with {SECRET}\n".encode(), "trace.bin": b"\xff\x00\xfe"}
    paths = publish(samples.go(), tmp_path, redactor(TOKEN=SECRET), extra_files=extra)
    assert [path.name for path in paths] == [*NAMES, "service.log", "trace.bin"]
    assert (tmp_path / "service.log").read_text() == "connecting with ***\n"
    assert (tmp_path / "trace.bin").read_bytes() == b"\xff\x00\xfe"


@pytest.mark.parametrize("name", ["../x", "a/b", ".hidden", "", "report.json", "junit.xml", "a\nb"])
def test_further_files_cannot_go_elsewhere(tmp_path: Path, name: str) -> None:
    """A name that leaves the folder, hides, or replaces a report is refused."""
    with pytest.raises(ValueError, match="cannot be the name"):
        publish(samples.go(), tmp_path, redactor(), extra_files={name: b""})


# --- secrets ----------------------------------------------------------------------------------------------------


def leaky() -> Decision:
    """A GO whose evidence holds a secret as a number, where no text can be redacted."""
    decision = samples.go()
    measured = Measurement("pin", 7319452846, "", None, holds=True)
    return replace(decision, checks=(replace(decision.checks[0], measurements=(measured,)), *decision.checks[1:]))


def test_secrets_are_taken_out_of_every_text(tmp_path: Path) -> None:
    """A secret in a message, an id, a finding or a name is masked in every file."""
    publish(samples.hostile([f"see {SECRET} here"]), tmp_path, redactor(TOKEN=SECRET))
    assert SECRET.encode() not in everything(tmp_path)
    assert "see *** here" in (tmp_path / "report.json").read_text("utf-8")


def test_a_secret_that_is_left_withholds_the_reports(tmp_path: Path) -> None:
    """A GO that would have shown a secret becomes a NO-GO that names the secret and the files, and shows nothing."""
    with pytest.raises(ReportError, match=r"would have shown a secret: PIN in report\.json, PIN in report\.html"):
        publish(leaky(), tmp_path, redactor(PIN="7319452846"))
    decision = read(tmp_path)
    assert decision.decision is Answer.NO_GO
    assert decision.checks == ()
    assert "PIN in report.json" in decision.reasons[0].text
    assert decision.service == samples.SERVICE
    assert b"7319452846" not in everything(tmp_path)
    assert "<h1>NO-GO</h1>" in (tmp_path / "report.html").read_text("utf-8")
    assert ET.parse(tmp_path / "junit.xml").getroot().get("errors") == "1"


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (b"token=%b caf\xe9\nlistening\n", b"token=*** caf\xe9\nlistening\n"),
        (b"\xff\xfe%b\x00\xff", b"\xff\xfe***\x00\xff"),
    ],
)
def test_bytes_that_are_no_text_cost_no_report(tmp_path: Path, data: bytes, kept: bytes) -> None:
    """Of a log in another encoding the secret goes, and the other bytes stay as the service wrote them."""
    extra = {"service.log": data.replace(b"%b", SECRET.encode())}
    publish(samples.go(), tmp_path, redactor(TOKEN=SECRET), extra_files=extra)
    assert (tmp_path / "service.log").read_bytes() == kept
    assert read(tmp_path).decision is Answer.GO


@pytest.mark.parametrize(
    "word",
    [
        "check",
        "service",
        "passed",
        "failed",
        "table",
        "staging",
        "redis",
        "NO-GO",
        "blocking",
        "report.json",
        "readiness",
    ],
)
def test_a_secret_that_is_a_word_of_the_layout_costs_no_report(tmp_path: Path, word: str) -> None:
    """A weak password that every page holds anyway gives nothing away there, and is masked in the run's own texts."""
    decision = replace(samples.no_go(), environment=EnvironmentInfo(f"at {word} now", "live", protected=True))
    publish(decision, tmp_path, redactor(PASSWORD=word))
    found = read(tmp_path)
    assert found.environment.name == "at *** now"
    assert [check.outcome for check in found.checks] == [check.outcome for check in decision.checks]


def test_where_even_the_refusal_shows_a_secret_nothing_is_left(tmp_path: Path) -> None:
    """Reports of an earlier run are not left to be taken for this one's."""
    publish(replace(samples.go(), run=run(1)), tmp_path, redactor())
    decision = replace(leaky(), run=replace(run(2), duration_s=7319452846.5))
    with pytest.raises(ReportError, match="PIN"):
        publish(decision, tmp_path, redactor(PIN="7319452846"))
    assert [path.name for path in tmp_path.iterdir()] == ["history"]


# --- never a GO that is none ------------------------------------------------------------------------------------


def test_a_go_against_its_evidence_is_refused(tmp_path: Path) -> None:
    """A file that says GO is never written beside a failure."""
    decision = replace(samples.no_go(), decision=Answer.GO, reasons=())
    with pytest.raises(ReportError, match="said GO although placeholder-audit/critical is failed"):
        publish(decision, tmp_path, redactor())
    assert read(tmp_path).decision is Answer.NO_GO


def test_a_writer_that_stumbles_leaves_a_no_go(tmp_path: Path) -> None:
    """What cannot be rendered becomes a NO-GO that says where it stumbled, not what it stumbled over."""
    broken = replace(samples.go().checks[0], duration_s="twelve")  # type: ignore[arg-type] # what a bug would do
    decision = replace(samples.go(), checks=(broken, *samples.go().checks[1:]))
    with pytest.raises(ReportError, match="A report that says NO-GO was published instead"):
        publish(decision, tmp_path, redactor())
    assert read(tmp_path).decision is Answer.NO_GO


class Stumbling(Redactor):
    """Fails on the text `stumble`, as a bug in any part of the writing would."""

    @property
    def names(self) -> tuple[str, ...]:
        """One, so that texts are looked at."""
        return ("X",)

    def redact(self, text: str) -> str:
        """Returns the text as it is."""
        if text == "stumble":
            raise RuntimeError(SECRET)
        return text


def test_whatever_goes_wrong_leaves_a_no_go(tmp_path: Path) -> None:
    """An error that nobody thought of becomes a NO-GO; its text, which may hold anything, is not told."""
    checks = (replace(samples.go().checks[0], title="stumble"), *samples.go().checks[1:])
    with pytest.raises(ReportError, match=r"could not be rendered: RuntimeError in test_publish\.py:\d+"):
        publish(replace(samples.go(), checks=checks), tmp_path, Stumbling())
    assert read(tmp_path).decision is Answer.NO_GO
    assert read(tmp_path).service == samples.SERVICE
    assert SECRET.encode() not in everything(tmp_path)


def test_where_even_the_names_go_wrong_a_no_go_is_left(tmp_path: Path) -> None:
    """Without the names of service and environment the refusal still stands."""
    decision = replace(samples.go(), environment=EnvironmentInfo("stumble", "live", protected=True))
    with pytest.raises(ReportError, match="RuntimeError"):
        publish(decision, tmp_path, Stumbling())
    assert read(tmp_path).decision is Answer.NO_GO
    assert read(tmp_path).environment.name == ""


def test_reports_that_cannot_be_written_leave_no_earlier_go(tmp_path: Path) -> None:
    """When the disk is full, the GO of an earlier run does not stay in the place of this one's."""
    publish(replace(samples.go(), run=run(1)), tmp_path, redactor())
    script = (
        "import resource, sys; from pathlib import Path; from dataclasses import replace\n"
        "from readiness.errors import ReportError; from tests.reports.test_publish import *\n"
        "sys.dont_write_bytecode = True  # it would be cut short, and every later process would stumble over it\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: publish(replace(samples.no_go(), run=run(2)), Path(sys.argv[1]), redactor())\n"
        "except ReportError as error: print(error); sys.exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (7, "")
    assert "cannot be written: File too large" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["history"]
    assert history(tmp_path) == ["20261121T130001Z-run-1.json"]


# --- the start of a run -----------------------------------------------------------------------------------------


def test_a_run_starts_with_a_no_go(tmp_path: Path) -> None:
    """From the first moment on the folder says that the run did not finish."""
    publish_unfinished(samples.SERVICE, samples.STAGING, replace(run(1), finished=""), tmp_path, redactor())
    decision = read(tmp_path)
    assert decision.decision is Answer.NO_GO
    assert decision.reasons[0].text.startswith("The run did not finish")
    assert "NO-GO (incomplete)" in (tmp_path / "summary.md").read_text("utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def test_the_unfinished_report_is_not_kept(tmp_path: Path) -> None:
    """The report of the run itself replaces it; only the earlier run's is in the history."""
    for number in (1, 2):
        publish_unfinished(samples.SERVICE, samples.STAGING, run(number), tmp_path, redactor())
        publish(replace(samples.go(), run=run(number)), tmp_path, redactor())
    assert read(tmp_path).decision is Answer.GO
    assert history(tmp_path) == ["20261121T130001Z-run-1.json"]
    assert stdlib_json.loads((tmp_path / "history" / history(tmp_path)[0]).read_bytes())["decision"] == "GO"


def test_a_killed_run_leaves_a_no_go(tmp_path: Path) -> None:
    """After kill -9 in the middle of a run nobody finds the GO of the run before."""
    publish(replace(samples.go(), run=run(1)), tmp_path, redactor())
    script = (
        "import os, signal, sys; from pathlib import Path; from tests.reports.test_publish import *\n"
        "publish_unfinished(samples.SERVICE, samples.STAGING, run(2), Path(sys.argv[1]), redactor())\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, tmp_path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert read(tmp_path).run.id == "run-2"
    assert read(tmp_path).decision is Answer.NO_GO
    publish(replace(samples.go(), run=run(3)), tmp_path, redactor())
    assert history(tmp_path) == ["20261121T130001Z-run-1.json", "20261121T130002Z-run-2.json"]


# --- the folder -------------------------------------------------------------------------------------------------


def test_folder_is_made_and_proven(tmp_path: Path) -> None:
    """A new folder is made, and the proof that it can be written leaves nothing behind."""
    prepare_folder(tmp_path / "a" / "b")
    prepare_folder(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    """The run is refused before anything was judged, with what to pass instead."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"cannot be written: Not a directory\nPass --readiness-reports=DIR"):
        prepare_folder(tmp_path / "file" / "reports")
    with pytest.raises(UsageError, match="cannot be written"):
        prepare_folder(Path("/proc/readiness-reports"))


def test_history_keeps_the_newest(tmp_path: Path) -> None:
    """Fifty earlier reports are kept; files of others in that folder stay."""
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "notes.txt").write_text("mine")
    for number in range(55):
        files = {"report.json": json.WRITER.render(json.document(replace(samples.go(), run=run(number))))}
        report_folder.write_set(tmp_path, files, f"run-{number}")
    kept = [name for name in history(tmp_path) if name != "notes.txt"]
    assert len(kept) == report_folder.KEPT == 50
    assert kept[0] == "20261121T130004Z-run-4.json"
    assert (tmp_path / "history" / "notes.txt").exists()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"run": {"id": "../../x", "finished": "2026-11-21T13:00:00Z"}}'])
def test_a_strange_earlier_report_is_kept_too(tmp_path: Path, data: bytes) -> None:
    """What cannot be read stands in no one's way, and its id leads nowhere else."""
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "report.json").write_bytes(data)
    publish(samples.go(), folder, redactor())
    (name,) = history(folder)
    assert (folder / "history" / name).read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["reports"]


def test_what_a_killed_writer_left_is_cleared(tmp_path: Path) -> None:
    """Temporary files of a run that died while it wrote are gone with the next one."""
    (tmp_path / ".readiness-0123-0.tmp").write_text("half")
    publish(samples.go(), tmp_path, redactor())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def test_waiting_for_another_run_is_bounded(tmp_path: Path) -> None:
    """A run that holds the folder for ever does not hold up this one for ever."""
    with (
        report_folder.locked(tmp_path),
        pytest.raises(ReportError, match="another run has been writing"),
        report_folder.locked(tmp_path, within_s=0.1),
    ):
        pass


def test_runs_into_one_folder_never_mix(tmp_path: Path) -> None:
    """Of several runs that publish at the same time the last one wins with all its files."""
    script = (
        "import sys; from pathlib import Path; from tests.reports.test_publish import *\n"
        "number = int(sys.argv[2])\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "for _ in range(8): publish(replace(samples.no_go(), run=run(number)), Path(sys.argv[1]), redactor())\n"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", script, tmp_path, str(number)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in range(3)
    ]  # fmt: skip
    try:
        for each in runs:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        for each in runs:
            each.communicate("go\n", timeout=60)
            assert each.returncode == 0
    finally:
        for each in runs:
            each.kill()
            each.communicate()
    last = read(tmp_path).run.id
    for name in NAMES:
        assert last in (tmp_path / name).read_text("utf-8")
    assert not list(tmp_path.glob(".*"))
    assert {name.partition("-")[2] for name in history(tmp_path)} <= {f"run-{number}.json" for number in range(3)}


def test_counts_agree_over_all_files(tmp_path: Path) -> None:
    """Every file of a set tells the same numbers."""
    for decision in (samples.go(), samples.no_go(), samples.large(700, 9)):
        publish(decision, tmp_path, redactor())
        found = stdlib_json.loads((tmp_path / "report.json").read_bytes())
        counts = {
            outcome: sum(check["outcome"] == outcome for check in found["checks"]) for outcome in map(str, Outcome)
        }
        assert counts == {o: sum(gate["outcomes"].get(o, 0) for gate in found["gates"]) for o in counts}
        words = ", ".join(
            f"{counts[o]:,} {o}"
            for o in ("failed", "unmeasured", "not-run", "advisory", "waived", "passed")
            if counts[o]
        )
        assert f"All checks: {words}" in (tmp_path / "report.html").read_text("utf-8")
        root = ET.parse(tmp_path / "junit.xml").getroot()
        orphan = len(root.findall(".//testcase[@name='decision']"))
        assert int(root.attrib["failures"]) == counts["failed"]
        assert int(root.attrib["errors"]) - orphan == counts["unmeasured"] + counts["not-run"]
        assert int(root.attrib["skipped"]) == counts["advisory"] + counts["waived"]
        assert int(root.attrib["tests"]) - orphan == len(found["checks"])
        ran = len(found["checks"]) - counts["not-run"]
        assert f"{ran} of {len(found['checks'])} checks ran" in (tmp_path / "summary.md").read_text("utf-8")
