"""nbgrader's settings for the exercises: see docs/instructors.md."""

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.course_id = "fmtutorial"
c.CourseDirectory.source_directory = "notebooks/solutions"
c.CourseDirectory.release_directory = "release"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "__pycache__"]
c.ClearSolutions.code_stub = {"python": "..."}
c.ClearSolutions.text_stub = "*Write here what you found.*"
c.ExecutePreprocessor.timeout = 600  # seconds a cell, for slow machines
