"""The gateway: the gRPC job API and the coordinator. It never opens a video."""
