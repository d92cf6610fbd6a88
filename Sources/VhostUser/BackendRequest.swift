/// What a back end tells its front end over the channel that SET_BACKEND_REQ_FD gave it
/// ("Back-end message types").
package enum BackendRequest: UInt32, CaseIterable, Sendable {
  case iotlbMessage = 1
  case configurationChanged
  case vringHostNotifier
  case vringCall
  case vringError
  case sharedObjectAdd
  case sharedObjectRemove
  case sharedObjectLookup
  case sharedMemoryMap
  case sharedMemoryUnmap
}
