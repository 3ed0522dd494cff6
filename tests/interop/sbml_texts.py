"""SBML texts for tests: a model around the parts that a test is about."""

CORE = "http://www.sbml.org/sbml/level3/version2/core"
HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<sbml xmlns="{CORE}" level="3" version="2">\n'
)


def parsed(formula):
    """MathML of a formula in the notation of libsbml."""
    import libsbml

    node = libsbml.parseL3Formula(formula)
    assert node is not None, formula
    return libsbml.writeMathMLToString(node).partition("?>")[2]


def species(name, amount: str | None = "0", **more):
    values = {
        **{"compartment": "C", "initialAmount": amount, "constant": "false"},
        **{"hasOnlySubstanceUnits": "true", "boundaryCondition": "false"},
        **more,
    }
    inside = " ".join(f'{k}="{v}"' for k, v in values.items() if v is not None)
    return f'<species id="{name}" {inside}/>\n'


def parameter(name, value: str | None = "1", constant="true"):
    given = f' value="{value}"' if value is not None else ""
    return f'<parameter id="{name}"{given} constant="{constant}"/>\n'


def side(kind, terms):
    inside = "".join(
        f'<speciesReference species="{name}" stoichiometry="{n}" constant="true"/>\n'
        for name, n in terms.items()
    )
    return f"<listOf{kind}>\n{inside}</listOf{kind}>\n" if terms else ""


def reaction(name, before, after, law, *, reversible="false", local="", modifiers=()):
    locals_ = f"<listOfLocalParameters>{local}</listOfLocalParameters>" if local else ""
    read = "".join(f'<modifierSpeciesReference species="{m}"/>' for m in modifiers)
    read = f"<listOfModifiers>{read}</listOfModifiers>" if read else ""
    return (
        f'<reaction id="{name}" reversible="{reversible}">\n'
        f"{side('Reactants', before)}{side('Products', after)}{read}"
        f"<kineticLaw>{parsed(law)}{locals_}</kineticLaw>\n</reaction>\n"
    )


def event(name, trigger, changes, *, delay="", use="true"):
    waits = f"<delay>{parsed(delay)}</delay>" if delay else ""
    new = "".join(
        f'<eventAssignment variable="{one}">{parsed(value)}</eventAssignment>'
        for one, value in changes.items()
    )
    return (
        f'<event id="{name}" useValuesFromTriggerTime="{use}">'
        f'<trigger initialValue="false" persistent="true">{parsed(trigger)}</trigger>'
        f"{waits}<listOfEventAssignments>{new}</listOfEventAssignments></event>\n"
    )


def rule(name, formula, kind="assignment"):
    return f'<{kind}Rule variable="{name}">{parsed(formula)}</{kind}Rule>\n'


def start(name, formula):
    return f'<initialAssignment symbol="{name}">{parsed(formula)}</initialAssignment>\n'


def function(name, formula):
    return f'<functionDefinition id="{name}">{parsed(formula)}</functionDefinition>\n'


def model(
    *,
    functions="",
    compartments='<compartment id="C" size="2" spatialDimensions="3" constant="true"/>',
    kinds="",
    parameters="",
    starts="",
    rules="",
    reactions="",
    events="",
    attributes='substanceUnits="item"',
):
    """The text of a model; lists that are empty are left out."""
    lists = {
        "FunctionDefinitions": functions,
        "Compartments": compartments,
        "Species": kinds,
        "Parameters": parameters,
        "InitialAssignments": starts,
        "Rules": rules,
        "Reactions": reactions,
        "Events": events,
    }
    inside = "".join(
        f"<listOf{name}>\n{text}</listOf{name}>\n"
        for name, text in lists.items()
        if text
    )
    return f'{HEAD}<model id="m" {attributes}>\n{inside}</model>\n</sbml>\n'
