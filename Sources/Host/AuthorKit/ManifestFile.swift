internal import APIModel
internal import FoundationEssentials

/// A file with one manifest, as an author has it.
struct ManifestFile {
    let path: String
    /// The document as it stands, not checked.
    let object: Value

    /// - Throws: `StartupFailure` when it cannot be read, is not YAML, or is not one document.
    init(path: String) throws {
        self.path = path
        let text: String
        do { text = try String(contentsOfFile: path, encoding: .utf8) } catch { throw StartupFailure("\(path) cannot be read") }
        let documents: [Value]
        do { documents = try YAML.decode(text).filter { !$0.isNull } } catch {
            throw StartupFailure("\(path) is not YAML: \(error.message) (line \(error.line))")
        }
        guard documents.count == 1 else {
            throw StartupFailure("\(path) has \(documents.count) documents; it must have one, the plugin's manifest")
        }
        object = documents[0]
    }
}
