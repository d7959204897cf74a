"""What animators read: BVH, glTF, VRM's animations. All write the motion that `liftline.kinematics.solving` found."""
