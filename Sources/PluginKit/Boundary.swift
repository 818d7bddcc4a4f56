internal import APIModel
internal import PluginAPI

/// Runs the Swift behind a slot. Nothing thrown passes it: an error becomes a status and one sentence in `sink`.
func boundary(_ sink: UnsafePointer<apus_sink>?, _ body: () throws -> Void) -> apus_status {
    do {
        try body()
        return APUS_OK
    } catch {
        let (status, message) = describe(error)
        sink?.write(message)
        return status
    }
}

/// The same for a slot of a runtime, whose errors have a code of CRI's beside the status.
func boundary(_ sink: UnsafePointer<apus_sink>, code: UnsafeMutablePointer<Int32>, _ body: () throws -> Void) -> apus_status {
    boundary(sink) {
        do { try body() } catch let error as RuntimeError {
            code.pointee = error.code.rawValue
            throw ComponentError(.fault, error.message)
        }
    }
}

/// What an error means in words of the ABI.
func describe(_ error: any Error) -> (apus_status, String) {
    switch error {
    case let error as ComponentError: (error.code.rawValue, error.message)
    case let error as APIError: (status(of: error.reason), error.message)
    case is CancellationError: (APUS_CANCELLED, "cancelled")
    default: (APUS_FAULT, String(describing: error))
    }
}

private func status(of reason: APIError.Reason) -> apus_status {
    switch reason {
    case .notFound: APUS_NOT_FOUND
    case .alreadyExists: APUS_ALREADY_EXISTS
    case .conflict: APUS_CONFLICT
    case .forbidden, .unauthorized: APUS_FORBIDDEN
    case .invalid, .badRequest: APUS_INVALID
    case .serviceUnavailable, .tooManyRequests, .serverTimeout, .timeout: APUS_UNAVAILABLE
    default: APUS_FAULT
    }
}

/// The instance behind a slot's `self`, alive between `create` and `destroy`. A null `self` cannot happen: `create` never hands one out.
func instance<T: AnyObject>(_ me: UnsafeMutableRawPointer?, as type: T.Type) -> T {
    guard let me else { preconditionFailure("the host called a slot without the instance that create made") }
    return Unmanaged<T>.fromOpaque(me).takeUnretainedValue()
}
