"""What was finished of a call that an error or an interrupt ends."""

from __future__ import annotations

from contextlib import contextmanager, suppress

from sklearn_carto._utils._warnings import collect_warnings


@contextmanager
def partial_results_kept(make, finished, n_tasks, what, folder=None):
    """Set what was finished as the attribute `partial_results` of any error that is raised.

    Parameters
    ----------
    make : callable or None
        Takes a list of what the finished tasks returned, in their order, and makes the results.
        None: results of a part are of no use.
    finished : dict of int to Outcome
        What was finished, by the number of the task.
    n_tasks : int
        Number of all tasks.
    what : str
        What the tasks are, for a note.
    folder : str or path-like, default=None
        The folder that keeps the finished tasks.

    Examples
    --------
    >>> try:
    ...     with partial_results_kept(list, {}, 3, "splits"):
    ...         raise KeyboardInterrupt
    ... except KeyboardInterrupt as error:
    ...     print(error.partial_results)
    None
    """
    try:
        yield
    except BaseException as error:
        partial = None
        if finished and make is not None:
            with suppress(Exception), collect_warnings():  # the first error counts
                partial = make([finished[number].result for number in sorted(finished)])
        with suppress(AttributeError, TypeError):
            error.partial_results = partial  # type: ignore[attr-defined]
        if finished or folder is not None:
            note = f"{len(finished)} of {n_tasks} {what} were finished."
            if partial is not None:
                note += " They are the attribute partial_results of this error."
            if folder is None:
                note += " With the parameter resume, a later call continues from such a point."
            else:
                note += f" {str(folder)!r} keeps them, and the same call continues from there."
            error.add_note(note)
        raise
