internal import APIModel
internal import CEL

/// Expressions of classes and claims, compiled once. Used by the scheduling thread only.
final class DeviceSelectors {
    private var compiled: [String: Result<DeviceSelector, DeviceSelector.Invalid>] = [:]
    /// There are few classes, and claims are mostly made from templates.
    private static let most = 1000

    /// Whether the device is what all of `selectors` mean.
    /// - Parameter owner: whose they are: `class gpu`.
    /// - Throws: `DeviceSearch.Failure` where that cannot be said.
    func match(_ device: Device, _ selectors: [Value], of owner: String) throws(DeviceSearch.Failure) -> Bool {
        for (index, selector) in selectors.enumerated() {
            guard let expression = selector["cel"]["expression"].string else {
                throw .error("\(owner): selector #\(index): CEL expression empty (unsupported selector type?)")
            }
            let program: DeviceSelector
            switch compile(expression) {
            case .success(let made): program = made
            case .failure(let why): throw .error("\(owner): selector #\(index): CEL compile error: \(why)")
            }
            do throws(EvaluationError) {
                guard try program.matches(try device.facts.get()) else { return false }
            } catch {
                throw .error("\(owner): selector #\(index): CEL runtime error: \(error.message)")
            }
        }
        return true
    }

    private func compile(_ expression: String) -> Result<DeviceSelector, DeviceSelector.Invalid> {
        if let known = compiled[expression] { return known }
        if compiled.count >= Self.most { compiled = [:] }
        let made = Result { () throws(DeviceSelector.Invalid) in try DeviceSelector(expression) }
        compiled[expression] = made
        return made
    }
}
