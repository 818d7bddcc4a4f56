import APIModel

/// Which of several classes is taken by those who name none.
enum DefaultClass {
    /// The name of the newest that is annotated as the default; of two of one age the first by name.
    static func newest(of collection: String, by annotation: String, _ request: AdmissionRequest) -> String? {
        request.registry.all(collection).filter { $0.metadata["annotations"][annotation].string == "true" }.max {
            ($0.metadata["creationTimestamp"].string ?? "", $1.name) < ($1.metadata["creationTimestamp"].string ?? "", $0.name)
        }?.name
    }
}
