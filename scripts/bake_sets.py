"""What the point sets of the house body are made of (part of ``bake_body.py``)."""

from bake_rig import FINGERS, HOUSE_JOINTS


def members_of_sets() -> dict[str, dict[str, str | tuple[str, ...]]]:
    """Names in published order, each with its source."""
    return {
        "blazepose33": _blazepose(),
        "coco17": _coco(),
        "coco19": _panoptic(),
        "h36m17": _human36m(),
        "wholebody133": _wholebody(),
        "joints": {name: name for name in HOUSE_JOINTS},
        "tips": {"head": "crown"}
        | {f"{side}_toes": f"{side}_toe_tip" for side in ("left", "right")}
        | {
            f"{side}_{finger}_3": f"{side}_{finger}_tip"
            for side in ("left", "right")
            for finger in FINGERS
        },
        "soles": {
            f"{side}_{name}": f"{side}_{'toe_pad' if name == 'toe_tip' else name}"
            for side in ("left", "right")
            for name in ("heel_inner", "heel_outer", "ball_inner", "ball_outer", "toe_tip")
        },
        "contacts": {
            f"{side}_{name}": f"{side}_{name}"
            for name in ("palm", "fingertips", "knee", "elbow", "seat")
            for side in ("left", "right")
        },
    }


LIMBS = {
    "shoulder": "upper_arm",
    "elbow": "forearm",
    "wrist": "hand",
    "hip": "thigh",
    "knee": "shin",
    "ankle": "foot",
}


def _blazepose() -> dict[str, str | tuple[str, ...]]:
    made: dict[str, str | tuple[str, ...]] = {"nose": "nose_tip"}
    for side in ("left", "right"):
        made |= {
            f"{side}_eye_inner": f"{side}_eye_inner",
            f"{side}_eye": f"{side}_eye_front",
            f"{side}_eye_outer": f"{side}_eye_outer",
        }
    for name in ("ear", "mouth"):
        source = {"ear": "tragus", "mouth": "mouth_corner"}[name]
        made |= {f"{side}_{name}": f"{side}_{source}" for side in ("left", "right")}
    limbs = LIMBS | {"pinky": "pinky_1", "index": "index_1", "thumb": "thumb_2"}
    limbs |= {"heel": "heel", "foot_index": "toe_tip"}
    order = ("shoulder", "elbow", "wrist", "pinky", "index", "thumb")
    order += ("hip", "knee", "ankle", "heel", "foot_index")
    return made | {
        f"{side}_{name}": f"{side}_{limbs[name]}" for name in order for side in ("left", "right")
    }


def _coco() -> dict[str, str | tuple[str, ...]]:
    names = ("eye", "ear", *LIMBS)
    return {"nose": "anny_nose"} | {
        f"{side}_{name}": f"anny_{side}_{name}" for name in names for side in ("left", "right")
    }


def _panoptic() -> dict[str, str | tuple[str, ...]]:
    coco = _coco()
    arm, leg = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")
    made: dict[str, str | tuple[str, ...]] = {
        "neck": ("anny_left_shoulder", "anny_right_shoulder"),
        "nose": coco["nose"],
        "mid_hip": ("anny_left_hip", "anny_right_hip"),
    }
    for side in ("left", "right"):
        made |= {f"{side}_{name}": coco[f"{side}_{name}"] for name in (*arm, *leg)}
    for side in ("left", "right"):
        made |= {f"{side}_{name}": coco[f"{side}_{name}"] for name in ("eye", "ear")}
    return made


def _human36m() -> dict[str, str | tuple[str, ...]]:
    made: dict[str, str | tuple[str, ...]] = {"pelvis": "pelvis"}
    for side in ("right", "left"):
        made |= {f"{side}_{name}": f"{side}_{LIMBS[name]}" for name in ("hip", "knee", "ankle")}
    made |= {
        "spine": ("pelvis", "left_upper_arm", "pelvis", "right_upper_arm"),
        "thorax": ("left_upper_arm", "right_upper_arm", "neck"),
        "neck_nose": ("head", "nose_tip"),
        "head_top": "crown",
    }
    for side in ("left", "right"):
        made |= {
            f"{side}_{name}": f"{side}_{LIMBS[name]}" for name in ("shoulder", "elbow", "wrist")
        }
    return made


def _wholebody() -> dict[str, str | tuple[str, ...]]:
    made = _coco()
    for side in ("left", "right"):
        made |= {f"{side}_{name}": f"{side}_{name}" for name in ("big_toe", "small_toe")}
        made[f"{side}_heel"] = f"{side}_heel"
    made |= {f"face_{point}": f"face_{point}" for point in range(68)}
    for side in ("left", "right"):
        made[f"{side}_hand_wrist"] = f"{side}_hand"
        for finger in FINGERS:
            for bone in (1, 2, 3):
                made[f"{side}_{finger}_{bone}"] = f"{side}_{finger}_{bone}"
            made[f"{side}_{finger}_tip"] = f"{side}_{finger}_tip"
    return made
