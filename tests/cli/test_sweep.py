"""`crnc sweep`: a point that was killed goes on."""

from pathlib import Path

from click.testing import CliRunner
from killed import killed_after

from crnlang.cli import main
from crnlang.pipeline.progress_writer import ProgressWriter

TEXT = """crn 1
model decay
param k = 1
species X in 0..6 = 6
X -> 0 @ k
solve main with natgrad {
    t = 0..1; save = [1]; width = 3; basis = 2; samples = 16; epochs = 1; dt = 0.01
    checkpoint = 0
}
"""


def test_a_point_that_was_killed_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("slow.crn").write_text(TEXT)
    words = ["sweep", "slow.crn", "--param", "k=1", "--out"]
    whole = CliRunner().invoke(main, [*words, "whole"])
    assert whole.exit_code == 0, whole.output
    killed_after(40, *words, "killed")
    assert not Path("killed/0001/manifest.json").exists()
    point = CliRunner().invoke(main, ["resume", "killed/0001"])
    assert point.exit_code == 2
    assert "a point of a sweep" in point.output
    steps = []
    step = ProgressWriter.step

    def counted(self, info):
        steps.append(info.step)
        step(self, info)

    monkeypatch.setattr(ProgressWriter, "step", counted)
    again = CliRunner().invoke(main, [*words, "killed"])
    assert again.exit_code == 0, again.output
    assert min(steps) > 20
    assert not Path("killed/0001/checkpoint").exists()
    mine, theirs = (Path(name, "0001") for name in ("killed", "whole"))
    files = sorted(path.name for path in theirs.glob("weights_*"))
    assert files
    for name in files:
        assert (mine / name).read_bytes() == (theirs / name).read_bytes()
