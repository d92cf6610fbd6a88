// RingDriver
