internal import ControllerBootstrapTokens
internal import ControllerLegacyTokens
internal import ControllerRootCA
internal import ControllerServiceAccount
internal import ControllerServiceAccountToken
internal import ControllerSigningRequests
public import PluginAPI
internal import PluginKit

private let plugin = Plugin(
    name: "controllers-identity", version: "1.0.0",
    [
        .controller("serviceaccount", ServiceAccountController.self),
        .controller("serviceaccount-token", ServiceAccountTokenController.self),
        .controller("root-ca", RootCAController.self),
        .controller("certificatesigningrequest-approving", CertificateSigningRequestApprovingController.self),
        .controller("certificatesigningrequest-signing", CertificateSigningRequestSigningController.self),
        .controller("certificatesigningrequest-cleaner", CertificateSigningRequestCleanerController.self),
        .controller("bootstrap-signer", BootstrapSignerController.self),
        .controller("token-cleaner", TokenCleanerController.self),
        .controller("legacy-serviceaccount-token-cleaner", LegacyTokenCleanerController.self),
    ])

// swift-format-ignore: AlwaysUseLowerCamelCase
@c @implementation
public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
