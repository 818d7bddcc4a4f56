import APIModel
import Testing

struct QuantityTests {
    @Test(arguments: [
        ("0", "0"), ("1", "1"), ("500m", "500m"), ("0.5", "500m"), ("1500m", "1500m"), ("1.5", "1500m"), ("1000m", "1"), ("100000", "100k"),
        ("1000Mi", "1000Mi"),
        ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("0.5Ki", "512"), ("1e3", "1e3"), ("12e6", "12e6"), ("1500e-3", "1500e-3"), ("-1", "-1"),
        ("+5k", "5k"), ("128974848", "128974848"),
        ("1E", "1E"), ("0.1m", "100u"), ("0Gi", "0"), (".5", "500m"), ("5.", "5"), ("64Ti", "64Ti"),
    ])
    func canonical(text: String, expected: String) throws { #expect(try Quantity.canonical(text) == expected) }

    @Test(arguments: [
        ("", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        ("abc", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        ("1e-9223372036854775808", "unable to parse quantity's suffix"), ("1KM", "unable to parse quantity's suffix"),
        ("1xyz", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        ("1GiB", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
    ])
    func refused(text: String, message: String) {
        let error = #expect(throws: Quantity.ParseError.self) { try Quantity(text) }
        #expect(error?.description == message)
    }

    @Test func numbers() throws {
        #expect(try Quantity("1.2").value == 2)
        #expect(try Quantity("-1.2").value == -2)
        #expect(try Quantity("1Gi").value == 1_073_741_824)
        #expect(try Quantity("100m").milliValue == 100)
        #expect(try Quantity("1u").milliValue == 1)
        #expect(try Quantity("999E").value == .max)
        // What is more than the largest is the largest, also when a part of it was rounded away.
        let largest = try Quantity("888888888888888888888888888881.888888888")
        #expect(try largest == Quantity("1e29") && Quantity(largest.description) == largest)
    }

    @Test func arithmetic() throws {
        #expect(try Quantity("1Gi") - Quantity("512Mi") == Quantity("512Mi"))
        #expect(try (Quantity("1500m") + Quantity("500m")).description == "2")
        #expect(try Quantity("1") == Quantity("1000m"))
        #expect(try Quantity("1k") < Quantity("1Ki"))
        #expect(try (Quantity("0") + Quantity("1Ki")).description == "1Ki")
        let (most, least) = (try Quantity("1e40"), try Quantity("-1e40"))
        #expect(most + most == most && least + least == least && most - least == most && least - most == least && (most + least).isZero)
    }
}
