import Testing

@testable import PluginHost

@Suite struct InspectionTests {
    @Test func tellsWhatALibraryOffers() throws {
        let workshop = try Workshop()
        try workshop.fixture("good")
        let inspection = try LibraryInspection.inspect(path: workshop.directory + "/libgood.so")
        #expect(inspection.name == "fixture" && inspection.version == "1.2.3" && inspection.abi == "1.0")
        #expect(inspection.components == [.init(name: "fixture", extension: "apus.controller/1")])
    }

    @Test func refusesWhatIsNone() throws {
        let workshop = try Workshop()
        try workshop.manifest("text", "no library")
        let error = try #require(throws: PluginError.self) { try LibraryInspection.inspect(path: workshop.directory + "/text.yaml") }
        #expect(error.code == .unloadable && error.message.contains("text.yaml cannot be loaded: "))
        let missing = try #require(throws: PluginError.self) { try LibraryInspection.inspect(path: workshop.directory + "/none.so") }
        #expect(missing.code == .missingLibrary)
    }
}
