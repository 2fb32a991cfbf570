"""Run by the interpreter that has smplfitter: a folder with a question in, an answer out."""

import sys
from pathlib import Path

import numpy as np
import torch
from smplfitter.pt import BodyFitter, BodyModel

KEYS = ["shape_betas", "trans", "relative_orientations"]
SHAPE_PENALTY, FIRST_PENALTY, SCALE_PENALTY = 10.0, 0.2, 1.0


def main() -> None:
    folder = Path(sys.argv[1])
    torch.set_num_threads(2)
    with np.load(folder / "question.npz") as question:
        given = {name: question[name] for name in question.files}
    tensors = {
        name: torch.tensor(given[name], dtype=torch.float32)
        for name in ("vertices", "joints", "vertex_weights", "joint_weights")
    }
    fitter = BodyFitter(BodyModel("smplh16", "neutral", model_root=str(folder)))
    share, free = float(given["share"]), bool(given["free_size"])
    with torch.no_grad():
        found = fitter.fit(
            tensors["vertices"],
            tensors["joints"],
            tensors["vertex_weights"],
            tensors["joint_weights"],
            num_iter=int(given["rounds"]),
            beta_regularizer=SHAPE_PENALTY * share,
            beta_regularizer2=FIRST_PENALTY * share if free else 0.0,
            scale_regularizer=SCALE_PENALTY * share if free else 0.0,
            share_beta=True,
            scale_target=free,
            final_adjust_rots=not free,
            requested_keys=KEYS,
        )
    count = len(given["joints"])
    scales = found["scale_corr"].numpy().reshape(-1) if free else np.ones(count)
    np.savez(
        folder / "answer.npz",
        shape=found["shape_betas"].numpy().reshape(-1, found["shape_betas"].shape[-1])[0],
        trans=found["trans"].numpy(),
        turns=found["relative_orientations"].numpy(),
        scales=np.broadcast_to(scales, (count,)),
    )


if __name__ == "__main__":
    main()
