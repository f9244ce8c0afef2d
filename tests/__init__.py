"""The tests are a package: worker processes find it before one of this name that a dependency installs."""
