"""What went wrong in Java, in a few words."""


def root_cause(stack_trace: str) -> str:
    """What went wrong, from a Java stack trace: its last cause without the places it passed."""
    lines = stack_trace.splitlines()
    causes = [number for number, line in enumerate(lines) if line.startswith("Caused by: ")]
    kept = lines[causes[-1] :] if causes else lines
    said = [line for line in kept if not line.lstrip().startswith(("at ", "..."))][:6]
    return "\n".join(said).removeprefix("Caused by: ").strip()
