internal import APIModel
internal import ArgumentParser
internal import Client
internal import Glibc

/// How a command reaches the API of a cluster that runs already.
struct ClusterOptions: ParsableArguments {
    @OptionGroup var data: DataOptions

    @Option(help: "The kubeconfig file to use. Default: admin.kubeconfig in the data directory.")
    var kubeconfig: String?

    /// The file to use, `nil` when there is none.
    var file: String? {
        if let kubeconfig { return kubeconfig }
        let file = DataDirectory(data.dataDir).adminKubeconfig
        return access(file, R_OK) == 0 ? file : nil
    }

    /// Runs `body` with a client, and turns what the API or the connection says into one line.
    func withClient<R>(_ body: (any Client) async throws -> R) async throws -> R { try await withPages { try await body($0) } }

    /// Likewise, with one that also knows what is no resource.
    func withPages<R>(_ body: (HTTPSClient) async throws -> R) async throws -> R {
        guard let file else {
            throw StartupFailure(
                "there is no \(DataDirectory(data.dataDir).adminKubeconfig): start a cluster with `apus up`, or name its file with --kubeconfig"
            )
        }
        let client: HTTPSClient
        do { client = try HTTPSClient(configuration: ClientConfiguration.load(kubeconfig: file)) } catch {
            throw StartupFailure("\(error)")
        }
        let result: Result<R, any Error>
        do { result = .success(try await body(client)) } catch { result = .failure(error) }
        await client.shutDown()
        do {
            return try result.get()
        } catch let error as StartupFailure {
            throw error
        } catch let error as APIError {
            throw StartupFailure(error.message)
        } catch {
            throw StartupFailure("the API of \(file) does not answer: \(error)")
        }
    }
}
