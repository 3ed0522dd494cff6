"""A stand-in for the neural engine: equal steps, in which it learns nothing."""

from crnlang.solve.solution import Outcome, Solution, StepInfo

STEPS = 8


def step_info(step, end, stage="tdvp"):
    return StepInfo(
        step=step,
        stage=stage,
        t=end * step / STEPS,
        dt=end / STEPS,
        error=0.01,
        residual=0.05,
        effective_size=2400.0,
        diag_shift=0.01,
        condition=100.0,
        rejections=1,
        seconds=0.1,
        bound=0.01 * step,
    )


def fake_evolve(outcome=Outcome.SUCCESSFUL, on_set=0):
    """An `evolve` that ends with the outcome: half-way, unless it is successful.

    The first `on_set` steps are on a set of states.
    """

    def evolve(model, generator, settings, save, report, *_):
        is_whole = outcome is Outcome.SUCCESSFUL
        stages = ["set"] * on_set + ["tdvp"] * STEPS
        number = STEPS if is_whole else 4
        infos = [step_info(k + 1, save[-1], stages[k]) for k in range(number)]
        for info in infos:
            report(info)
        reached = [time for time in save if time <= infos[-1].t]
        times = sorted({*reached, infos[-1].t})
        return Solution(tuple(times), (model,) * len(times), tuple(infos), outcome)

    return evolve
