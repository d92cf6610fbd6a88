/// What a front end asks of a back end ("Front-end message types"). Every number of the
/// specification has its name, so that what is not implemented is refused by name.
package enum Request: UInt32, CaseIterable, Sendable {
  case getFeatures = 1
  case setFeatures
  case setOwner
  case resetOwner
  case setMemoryTable
  case setLogBase
  case setLogDescriptor
  case setVringSize
  case setVringAddresses
  case setVringBase
  case getVringBase
  case setVringKick
  case setVringCall
  case setVringError
  case getProtocolFeatures
  case setProtocolFeatures
  case getQueueCount
  case setVringEnabled
  case sendRARP
  case setMTU
  case setBackendChannel
  case iotlbMessage
  case setVringEndian
  case getConfiguration
  case setConfiguration
  case createCryptoSession
  case closeCryptoSession
  case postcopyAdvise
  case postcopyListen
  case postcopyEnd
  case getInflightDescriptor
  case setInflightDescriptor
  case setGPUSocket
  case resetDevice
  case vringKick
  case getMemorySlotsMax
  case addMemoryRegion
  case removeMemoryRegion
  case setStatus
  case getStatus
  case getSharedObject
  case setDeviceStateDescriptor
  case checkDeviceState
  case getSharedMemoryConfiguration
}

extension Request {
  /// The specification's name, as it stands in a sentence to the user.
  package var name: String { "VHOST_USER_\(shortName)" }

  /// The requests that are answered with a body of their own, so that need_reply changes nothing
  /// for them (section "VHOST_USER_PROTOCOL_F_REPLY_ACK").
  package var hasOwnReply: Bool {
    switch self {
    case .getFeatures, .getVringBase, .getProtocolFeatures, .getQueueCount, .getConfiguration,
      .createCryptoSession, .postcopyAdvise, .postcopyEnd, .getInflightDescriptor,
      .getMemorySlotsMax, .getStatus, .getSharedObject, .setDeviceStateDescriptor,
      .checkDeviceState, .getSharedMemoryConfiguration:
      true
    default: false
    }
  }

  private var shortName: String {
    switch self {
    case .getFeatures: "GET_FEATURES"
    case .setFeatures: "SET_FEATURES"
    case .setOwner: "SET_OWNER"
    case .resetOwner: "RESET_OWNER"
    case .setMemoryTable: "SET_MEM_TABLE"
    case .setLogBase: "SET_LOG_BASE"
    case .setLogDescriptor: "SET_LOG_FD"
    case .setVringSize: "SET_VRING_NUM"
    case .setVringAddresses: "SET_VRING_ADDR"
    case .setVringBase: "SET_VRING_BASE"
    case .getVringBase: "GET_VRING_BASE"
    case .setVringKick: "SET_VRING_KICK"
    case .setVringCall: "SET_VRING_CALL"
    case .setVringError: "SET_VRING_ERR"
    case .getProtocolFeatures: "GET_PROTOCOL_FEATURES"
    case .setProtocolFeatures: "SET_PROTOCOL_FEATURES"
    case .getQueueCount: "GET_QUEUE_NUM"
    case .setVringEnabled: "SET_VRING_ENABLE"
    case .sendRARP: "SEND_RARP"
    case .setMTU: "NET_SET_MTU"
    case .setBackendChannel: "SET_BACKEND_REQ_FD"
    case .iotlbMessage: "IOTLB_MSG"
    default: laterName
    }
  }

  private var laterName: String {
    switch self {
    case .setVringEndian: "SET_VRING_ENDIAN"
    case .getConfiguration: "GET_CONFIG"
    case .setConfiguration: "SET_CONFIG"
    case .createCryptoSession: "CREATE_CRYPTO_SESSION"
    case .closeCryptoSession: "CLOSE_CRYPTO_SESSION"
    case .postcopyAdvise: "POSTCOPY_ADVISE"
    case .postcopyListen: "POSTCOPY_LISTEN"
    case .postcopyEnd: "POSTCOPY_END"
    case .getInflightDescriptor: "GET_INFLIGHT_FD"
    case .setInflightDescriptor: "SET_INFLIGHT_FD"
    case .setGPUSocket: "GPU_SET_SOCKET"
    case .resetDevice: "RESET_DEVICE"
    case .vringKick: "VRING_KICK"
    case .getMemorySlotsMax: "GET_MAX_MEM_SLOTS"
    case .addMemoryRegion: "ADD_MEM_REG"
    case .removeMemoryRegion: "REM_MEM_REG"
    case .setStatus: "SET_STATUS"
    case .getStatus: "GET_STATUS"
    case .getSharedObject: "GET_SHARED_OBJECT"
    case .setDeviceStateDescriptor: "SET_DEVICE_STATE_FD"
    case .checkDeviceState: "CHECK_DEVICE_STATE"
    case .getSharedMemoryConfiguration: "GET_SHMEM_CONFIG"
    default: "REQUEST_\(rawValue)"
    }
  }
}
