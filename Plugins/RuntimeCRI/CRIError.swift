internal import PluginKit

/// The error of a refused CRI call. The name tells it from another type of the gRPC library.
typealias CRIError = RuntimeError
