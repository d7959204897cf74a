"""What people who measure bodies read: tables and plots of joint angles, OpenSim's motions, C3D."""
