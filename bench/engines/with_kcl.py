"""KCL's runtime in Rust: one program, which finds, reads and judges the files itself."""

from __future__ import annotations

import os
import sys

from kcl_lib.api import API, ExecProgramArgs

result = API().exec_program(ExecProgramArgs(work_dir=os.getcwd(), k_filename_list=[sys.argv[1]]))
print(result.yaml_result.rpartition("violations: ")[2].strip(), "violations")
