import APIModel
import Testing

@testable import CEL

/// What expressions of DeviceClasses and ResourceClaims see of a device.
@Suite struct DeviceSelectorTests {
    private static let device: Value = [
        "name": "d1", "allowMultipleAllocations": true,
        "attributes": [
            "model": ["string": "red"], "index": ["int": 3], "healthy": ["bool": true], "firmware": ["version": "1.10.0"],
            "other.example.com/model": ["string": "blue"],
        ],
        "capacity": ["memory": ["value": "40Gi"]],
    ]

    private static let own = "device.attributes['gpu.example.com']"

    @Test(arguments: [
        ("device.driver == 'gpu.example.com'", "true"), ("\(own).model == 'red'", "true"), ("\(own).index > 3", "false"),
        ("\(own).healthy && device.allowMultipleAllocations", "true"), ("\(own).firmware.isGreaterThan(semver('1.9.0'))", "true"),
        ("device.attributes['other.example.com'].model == 'blue'", "true"),
        ("device.capacity['gpu.example.com'].memory.compareTo(quantity('40Gi')) == 0", "true"),
        ("'speed' in \(own)", "false"), ("has(\(own).speed) && \(own).speed > 1", "false"),
        ("'nobody.example.com' in device.attributes", "false"), ("has(device.attributes['nobody.example.com'].model)", "false"),
        ("\(own).speed > 1", "error: no such key: speed"),
        ("\(own).model", "error: CEL result of type string could not be converted to bool"),
        ("1", "refused"), ("device.nothing", "refused"), ("device.driver ==", "refused"),
    ])
    func matches(_ expression: String, _ expected: String) throws {
        let found: String
        do {
            let selector = try DeviceSelector(expression)
            let facts = try DeviceSelector.Facts(driver: "gpu.example.com", Self.device)
            do { found = "\(try selector.matches(facts))" } catch { found = "error: \(error.message)" }
        } catch is DeviceSelector.Invalid {
            found = "refused"
        }
        #expect(found.hasPrefix(expected), "\(expression): \(found)")
    }

    @Test func anAttributeWithoutAValueIsTold() {
        let error = #expect(throws: EvaluationError.self) {
            try DeviceSelector.Facts(driver: "gpu.example.com", ["attributes": ["odd": ["list": []]]])
        }
        #expect(error?.message == "attribute odd: unsupported attribute value")
    }
}
