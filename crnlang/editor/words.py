"""The words of the language and what they mean, a line each, for hover and completion.

The language checks the words itself; what stands here is only their help, and the tests
see to it that no word goes without.
"""

#: Words that begin a statement: how it is written, and what it does.
STATEMENTS = {
    "crn": ("crn 1", "the version of the language; the first statement"),
    "model": ('model NAME "title"', "the name of the model"),
    "massaction": (
        "massaction falling",
        "what `@ k` means for repeated reactants: `falling`, `binomial` or `power`",
    ),
    "unit": ("unit week = 7 [d]", "a unit of your own, for what stands below it"),
    "volume": ("volume 1 [fL]", "converts constants in concentrations to copy numbers"),
    "lattice": ("lattice grid(8, 8) boundary reflecting", "the sites of the model"),
    "param": ("param k = 0.3 [1/s] in 0.1..1 log", "constants"),
    "func": ("func f(x, K) = x/(x + K)", "a function"),
    "species": ("species X in 0..100 = 50", "copy numbers, their cap and their start"),
    "init": ("init X[0, 3] = 60", "another start at one site"),
    "diffuse": ("diffuse X @ d", "hops to neighbouring sites, `d` a molecule and edge"),
    "event": ("event at 4: k = 0, X = min(X + 5, 50)", "changes at a fixed time"),
    "module": ("module cycle(S, K) {", "statements to be used again"),
    "use": ("use cycle(M, K) as c1", "the statements of a module, for these names"),
    "import": ('import "lib.crn" as lib', "the modules of another file"),
    "observe": ("observe total = X + 2*X2", "a named quantity"),
    "set": ("set high = X > 20 and Y == 0", "a named set of states"),
    "query": ("query prob(high, at=0:40:1)", "a question: `prob`, `hit`, ..."),
    "solve": ("solve main with tdvp { t = 0..40 }", "an engine and its settings"),
}

#: Reserved words inside of statements.
INSIDE = {
    "with": "the engine of a `solve` block follows",
    "in": "a range follows: `in 0..100`",
    "via": "catalysts follow: `S -> P via E` means `S + E -> P + E`",
    "per": "`per site`: a copy number at every site of the lattice",
    "and": "both conditions",
    "or": "one of the conditions, or both",
    "not": "the condition does not hold",
    "propensity": "`@ propensity(...)`: the whole propensity, written out",
    "ma": "`ma(A + 2 B)`: the factor that mass action gives to these reactants",
}

#: Built-in functions, by name: arguments and value.
FUNCTIONS = {
    "if": ("if(c, a, b)", "a where c holds, else b"),
    **{
        name: (f"{name}(x)", what)
        for name, what in {
            "exp": "exponential",
            "log": "natural logarithm",
            "sqrt": "square root",
            "sin": "sine",
            "cos": "cosine",
            "tan": "tangent",
            "tanh": "hyperbolic tangent",
            "abs": "absolute value",
            "floor": "largest whole number that is not above x",
            "ceil": "smallest whole number that is not below x",
        }.items()
    },
    "min": ("min(a, b)", "the smaller"),
    "max": ("max(a, b)", "the larger"),
    "sum": ("sum(x)", "over all sites of the lattice"),
    "mean": ("mean(x)", "over all sites of the lattice"),
    "all": ("all(c)", "c holds at every site of the lattice"),
    "any": ("any(c)", "c holds at a site of the lattice"),
    "falling": ("falling(x, m)", "x (x - 1) ... (x - m + 1)"),
    "binomial": ("binomial(x, m)", "x (x - 1) ... (x - m + 1)/m!"),
    "mm": ("mm(x, v, K)", "v x/(x + K)"),
    "mmr": ("mmr(x, v, K)", "v K/(x + K)"),
    "hill": ("hill(x, v, K, n)", "v x^n/(x^n + K^n)"),
    "hillr": ("hillr(x, v, K, n)", "v K^n/(x^n + K^n)"),
    "hillar": ("hillar(x, y, v, K, n)", "v x^n/(x^n + y^n + K^n)"),
}
NUMBERS = {"t": "the time", "time": "the time", "pi": "3.14159..."}

#: Words that mean something at one place only: the tokens before it, and what they are.
CHOICES = {
    ("_MASSACTION",): {
        "falling": "n (n-1) ... (n-m+1)",
        "binomial": "n (n-1) ... (n-m+1)/m!",
        "power": "n^m, off where the firing would leave the box",
    },
    ("_LATTICE",): {
        "grid": "`grid(8, 8)`, of up to three axes",
        "chain": "`chain(8)`",
        "graph": '`graph("edges.csv")`: pairs of neighbouring sites',
    },
    ("NAME:boundary",): {
        "reflecting": "no hop leads out",
        "periodic": "the last site is a neighbour of the first",
    },
    ("_PER",): {"site": "a copy number at every site of the lattice"},
    ("_EVENT",): {
        "at": "`event at 4: k = 0`: at a time",
        "when": "`event when X > 20: X = 0`: when a condition turns true",
    },
    ("_TILDE",): {
        "poisson": "`poisson(mean)`",
        "binomial": "`binomial(trials, probability)`",
        "uniform": "`uniform(low, high)`",
        "table": '`table("start.csv")`: the probability of 0, 1, 2, ... copies',
    },
}
LATTICE_OPTIONS = {
    "boundary": "`boundary (periodic, reflecting)`",
    "spacing": "`spacing 0.5`: the distance between sites",
    "mask": '`mask "mask.csv"`: 1 for each site to keep, 0 for the others',
}
QUERIES = {
    "prob": ("prob(condition, at=times)", "probability of a set of states"),
    "dist": ("dist(A, B, at=times)", "joint law of some species"),
    "expect": ("expect(expression, at=times)", "mean of a quantity"),
    "logp": ("logp(A=3, B=0, at=times)", "log-probability of some copy numbers"),
    "hit": (
        "hit(condition, from=condition, by=times)",
        "probability that a set of states was entered",
    ),
    "mfpt": (
        "mfpt(from=condition, to=condition)",
        "mean time until a set of states is entered",
    ),
    "rate": (
        "rate(from=condition, to=condition)",
        "rate at which a set of states is entered, after a while",
    ),
}
QUERY_PARTS = {
    "at": "times: `5`, `[1, 5, 10]` or `0:40:1`",
    "by": "times: `5`, `[1, 5, 10]` or `0:40:1`",
    "given": "a condition that holds as well",
    "from": "the states in which the passage starts",
    "to": "the states that are entered",
}
