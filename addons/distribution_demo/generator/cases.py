"""Exception cases beside those that the story itself has opened."""

from .clock import at, moment


def build(env, _plan, directory):
    """One case that somebody works on and one that turned out to be nothing."""
    cases = env["distribution.case"]
    operations = directory.users["operations_manager"]
    with at(moment(13, 9)):
        drill = cases._open(
            "policy_missing",
            env["purchase.order"],
            "No approval policy for sales orders",
            detail="Asked on the day governance began: sales orders are not governed yet.",
            severity="0",
        )
    with at(moment(12, 10)):
        drill.with_user(operations).write({"resolution": "Sales orders follow later; nothing is held."})
        drill.with_user(operations).action_cancel()
