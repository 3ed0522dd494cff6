"""Surface tree -> Network: mass action, names of channels, values, queries."""

import numpy as np
import pytest

from crnlang.compiler import compile_text
from crnlang.diagnostics import CrnError
from crnlang.ir.evaluate import evaluate_float64
from crnlang.ir.network import Binomial, Delta, MassAction, Poisson, Uniform

HEAD = "crn 1\nmodel m\nparam k = 0.5\nspecies A, B, C in 0..9 = 2\n"


def network_of(text, head=HEAD):
    return compile_text(head + text).network


def codes_of(text, head=HEAD):
    with pytest.raises(CrnError) as caught:
        compile_text(head + text)
    return [d.code for d in caught.value.diagnostics if d.severity == "error"]


def propensity(network, reaction, counts, t=0.0):
    local = [np.float64(counts[v]) for v in reaction.variables]
    values = [p.value for p in network.parameters]
    return float(evaluate_float64(reaction.propensity, local, values, t))


@pytest.mark.parametrize(
    ("convention", "expected"),
    [("falling", 0.5 * 4 * 3 * 2 * 5), ("binomial", 0.5 * 4 * 5), ("power", 160.0)],
)
def test_mass_action_of_repeated_reactants(convention, expected):
    network = network_of(f"massaction {convention}\n3 A + B -> C @ k")
    assert network.massaction is MassAction(convention)
    (reaction,) = network.reactions
    assert propensity(network, reaction, [4, 5, 0]) == expected
    assert reaction.orders == (3, 1, 0)
    assert reaction.net_change == (-3, -1, 1)


def test_without_repeats_all_conventions_agree():
    values = set()
    for line in ("", "massaction falling\n", "massaction power\n"):
        network = network_of(f"{line}A + B -> C @ k")
        values.add(propensity(network, network.reactions[0], [4, 5, 0]))
    assert values == {10.0}


@pytest.mark.parametrize("side", ["2 A", "A + A", "2A + B"])
def test_repeated_reactants_need_a_convention(side):
    assert codes_of(f"{side} -> C @ k") == ["CRN207"]


def test_repeated_products_need_none():
    assert network_of("A -> 2 A @ k").reactions[0].net_change == (1,)


def test_written_out_propensities_need_no_convention():
    (reaction,) = network_of("2 A -> C @ propensity(k*A*(A - 1))").reactions
    assert reaction.rate is None
    assert reaction.orders == (2, 0)


def test_propensity_equals_mass_action_through_ma():
    text = (
        "massaction falling\n2 A + B -> C @ k\n2 A + B -> C @ propensity(k*ma(2 A + B))"
    )
    network = network_of(text)
    first, second = network.reactions
    for counts in np.ndindex(5, 4, 1):
        assert propensity(network, first, counts) == propensity(network, second, counts)


def test_names_of_channels():
    text = "A -> B @ k\nx: A <-> B @ k, k\ny: A -> B <-> C @ k, k, k\nB -> C @ k"
    names = [reaction.name for reaction in network_of(text).reactions]
    assert names == ["r1", "x", "x_rev", "y_1", "y_2", "y_2_rev", "r4"]


def test_names_of_channels_must_differ():
    assert codes_of("r2: A -> B @ k\nB -> C @ k") == ["CRN202"]


def test_catalyst_is_sugar_for_both_sides():
    (sugar,) = network_of("A -> B via C @ k").reactions
    (plain,) = network_of("A + C -> B + C @ k").reactions

    def table(reaction):
        rows = (reaction.orders, reaction.net_change)
        return dict(zip(reaction.variables, zip(*rows, strict=True), strict=True))

    assert table(sugar) == table(plain)


def test_a_species_that_is_only_read_is_a_variable():
    (reaction,) = network_of("A -> B @ propensity(k*A*C)").reactions
    assert reaction.variables == (0, 1, 2)
    assert reaction.net_change == (-1, 1, 0)


def test_functions_observables_and_time():
    text = (
        "func f(x, y) = x + 2*y\nobserve n = f(A, B)\nset s = n > 3\n"
        "A -> B @ propensity(if(s, n*time, 0))"
    )
    network = network_of(text)
    (reaction,) = network.reactions
    assert propensity(network, reaction, [1, 2, 0], t=3.0) == 15.0
    assert propensity(network, reaction, [1, 1, 0], t=3.0) == 0.0


def test_parameters_are_expressions_of_earlier_ones():
    network = network_of("param d = 2*k^2, e = if(d > 1, 1, max(d, pi))\nA -> B @ e")
    assert [p.value for p in network.parameters] == [0.5, 0.5, np.pi]


def test_units_and_ranges_are_kept():
    network = network_of("param d = 2 [1/(M*s)] in 1..k*20 log\nA -> B @ 1*d")
    parameter = network.parameters[1]
    assert (parameter.unit, parameter.low, parameter.high) == ("1/(M*s)", 1.0, 10.0)
    assert parameter.is_log


def test_initial_laws():
    text = (
        "crn 1\nspecies A in 0..40 ~ poisson(3)\nspecies B in 0..9 ~ binomial(8, 0.5)\n"
        "species C in 0..9 ~ uniform(2, 4)\nspecies D in 0..9\nA -> 0 @ 1"
    )
    initial = [s.initial for s in network_of(text, head="").species]
    assert initial == [Poisson(3.0), Binomial(8, 0.5), Uniform(2, 4), Delta(0)]


def test_times():
    text = "A -> B @ k\nquery dist(A, at={})"
    for written, expected in {
        "4": (4.0,),
        "[3, 1, 3]": (1.0, 3.0),
        "0:1:0.25": (0.0, 0.25, 0.5, 0.75, 1.0),
        "0:3": (0.0, 1.0, 2.0, 3.0),
        "0:1:0.1": (*(i * 0.1 for i in range(10)), 1.0),
    }.items():
        assert network_of(text.format(written)).queries[0].times == expected


def test_names_of_queries():
    text = (
        "A -> B @ k\nset s = A > 1\nquery dist(A, B, at=1)\nquery dist(A, B, at=2)\n"
        "query prob(s, given=B == 1, at=1)\nquery expect(A + B, at=1)\n"
        "query mine = prob(s, at=1)"
    )
    names = [query.name for query in network_of(text).queries]
    assert names == ["dist_A_B", "dist_A_B_2", "prob_s_given", "expect_4", "mine"]
    passages = (
        "A -> B @ k\nset r = A < 1\nset s = A > 1\nquery hit(s, by=1)\n"
        "query hit(s, from=r, by=1)\nquery mfpt(to=s, from=r)\n"
        "query rate(from=r, to=A > 2)\nquery logp(B=1, A=0, at=1)\n"
        "query logp(A=0, given=s, at=1)\nquery hit(s, from=A == 0, by=1)"
    )
    assert [query.name for query in network_of(passages).queries] == [
        *("hit_s", "hit_s_from_r", "mfpt_r_to_s", "rate_4", "logp_B_A"),
        *("logp_A_given", "hit_7"),
    ]


def test_parts_of_queries_may_be_names_of_species():
    text = (
        "crn 1\nspecies from, to, by in 0..2\nfrom -> to @ 1\nby -> 0 @ 1\n"
        "query logp(from=0, to=2, by=1, at=1)\nquery hit(to == 2, from=from == 1, by=1)"
    )
    logp, hit = network_of(text, head="").queries
    assert (logp.name, logp.variables, logp.counts) == (
        "logp_from_to_by",
        (0, 1, 2),
        (0, 2, 1),
    )
    assert (hit.name, hit.times) == ("hit_2", (1.0,))


def test_copy_numbers_at_sites_are_variables():
    text = (
        "crn 1\nlattice grid(2, 2)\nspecies X in 0..5 per site\nspecies Y in 0..5\n"
        "0 -> X @ 1\n0 -> Y @ 1\nquery logp(Y=2, X[1, 0]=3, X[0, 1]=1 + 1, at=1)"
    )
    (query,) = network_of(text, head="").queries
    assert (query.name, query.variables, query.counts) == (
        "logp_Y_X_1_0_X_0_1",
        (4, 2, 1),
        (2, 3, 2),
    )


def test_solve_blocks_keep_plain_values():
    text = (
        "A -> B @ k\nsolve m with tdvp { t = 0..4; save = 0:4:2; integrator = bogacki }"
    )
    (block,) = network_of(text).solves
    assert dict(block.settings) == {
        "t": (0.0, 4.0),
        "save": (0.0, 2.0, 4.0),
        "integrator": "bogacki",
    }
    assert [span.text for span in block.spans] == ["t", "save", "integrator"]


def test_all_errors_of_a_file_are_reported_in_order():
    text = "A -> Z @ q\nspecies A\nquery dist(k, at=1)\nA <-> B @ k"
    assert codes_of(text) == ["CRN201", "CRN201", "CRN202", "CRN204", "CRN208"]


def test_a_function_declared_twice_with_other_arguments_is_not_applied():
    for body in ("f(A)", "f(A, B)", "g(A)"):
        text = (
            "func f(x, y) = x*y\nfunc f(x) = x\nfunc g(x) = f(x)\n"
            f"A -> B @ propensity({body})"
        )
        assert codes_of(text) == ["CRN202"]


def test_renaming_the_species_renames_the_network():
    plain = network_of("massaction power\n2 A <-> B @ k, k\nobserve n = A + C")
    renamed = compile_text(
        HEAD.replace("A, B, C", "X, Y, Z")
        + "massaction power\n2 X <-> Y @ k, k\nobserve n = X + Z"
    ).network
    assert plain.reactions == renamed.reactions
    assert plain.observables == renamed.observables
