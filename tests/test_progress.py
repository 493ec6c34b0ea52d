"""lab.train.progress: how far a training has come."""

from lab.train import progress
from lab.train.progress import Progress, clock


def test_a_clock_reads_as_people_write_it():
    assert [clock(seconds) for seconds in (0, 59.6, 247, 3729)] == ["0:00", "1:00", "4:07", "1:02:09"]


def test_a_log_gets_a_line_a_minute_with_the_time_left_at_this_sessions_pace(monkeypatch, capsys):
    now = 1000.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    bar = Progress("srgan")
    bar.note(loss="0.0213", dB="28.41")
    for second in range(131):  # a resumed run that stood at 50 % and step 800
        now = 1000.0 + second
        bar.update(0.5 + second / 400, 800 + 2 * second)
    bar.close()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "srgan   65 %  step 920  1:00 so far, 2:20 left  2.0 steps/s  loss 0.0213  dB 28.41",
        "srgan   80 %  step 1040  2:00 so far, 1:20 left  2.0 steps/s  loss 0.0213  dB 28.41",
    ]


def test_only_one_of_several_processes_speaks(monkeypatch, capsys):
    now = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    silent = Progress("srgan", shown=False)
    now = 1000.0
    silent.update(0.5, 10)
    silent.close()
    assert capsys.readouterr().err == ""
