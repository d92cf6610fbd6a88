print("vbusfs")
