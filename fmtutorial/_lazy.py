"""Names that are loaded when they are first used; an error on the way says which module it is in."""

from collections.abc import Callable

import lazy_loader


def attach(
    package: str, submodules: list[str] | None = None, submod_attrs: dict[str, list[str]] | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    """`__getattr__`, `__dir__` and `__all__` of a package, from the table of its modules and their names.

    Python takes an AttributeError from `__getattr__` for "no such name" and drops it, message and all. So one
    that comes from inside a module is raised as an ImportError that names the module.
    """
    homes = {name: f"{package}.{name}" for name in submodules or []}
    for module, names in (submod_attrs or {}).items():
        homes |= dict.fromkeys(names, f"{package}.{module}")
    load, list_names, all_names = lazy_loader.attach(package, submodules, submod_attrs)

    def load_or_explain(name: str) -> object:
        """What the package calls `name`, loaded; an ImportError that names the module if that fails."""
        try:
            return load(name)
        except AttributeError as error:
            if name not in homes:
                raise
            module = homes[name]
            raise ImportError(f"{module} could not be loaded: {error}", name=module) from error

    return load_or_explain, list_names, all_names
