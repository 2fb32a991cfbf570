"""Bodies and movement: skeletons, inverse kinematics, placement, smoothing."""
