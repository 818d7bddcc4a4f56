import Testing

@testable import APIModel

/// What a pod may not ask of the kernel, and where traffic may not be sent.
struct ValidationSecurityTests {
    private func messages(_ resource: String, _ json: String) throws -> [String] {
        let resource = try Sample.resource(resource)
        return Validation.validate(try Sample.object(resource, json), resource: resource).map(\.message)
    }

    private static func regex(_ name: String) -> String {
        "Invalid value: \"\(name)\": must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"
    }

    /// A pod's specification without its containers, and what is wrong with it.
    static let specs: [(String, [String])] = [
        (#""securityContext":{"sysctls":[{"name":"net.core.somaxconn","value":"1"},{"name":"net/ipv4/tcp_syncookies","value":"1"}]}"#, []),
        (#""securityContext":{"sysctls":[{"name":"","value":"1"}]}"#, ["spec.securityContext.sysctls[0].name: Required value"]),
        (
            #""securityContext":{"sysctls":[{"name":"..","value":"1"}]}"#,
            ["spec.securityContext.sysctls[0].name: \(regex(".."))"]
        ),
        (
            #""securityContext":{"sysctls":[{"name":"kernel/../x","value":"1"}]}"#,
            ["spec.securityContext.sysctls[0].name: \(regex("kernel/../x"))"]
        ),
        (
            #""securityContext":{"sysctls":[{"name":"kernel.sem","value":"1"},{"name":"kernel.sem","value":"2"}]}"#,
            ["spec.securityContext.sysctls[1].name: Duplicate value: \"kernel.sem\""]
        ),
        (
            #""hostNetwork":true,"securityContext":{"sysctls":[{"name":"net/core/somaxconn","value":"1"}]}"#,
            ["spec.securityContext.sysctls[0].name: Invalid value: \"net/core/somaxconn\": may not be specified when 'hostNetwork' is true"]
        ),
        (
            #""hostIPC":true,"securityContext":{"sysctls":[{"name":"kernel.shmmax","value":"1"}]}"#,
            ["spec.securityContext.sysctls[0].name: Invalid value: \"kernel.shmmax\": may not be specified when 'hostIPC' is true"]
        ),
        (
            #""hostUsers":false,"hostNetwork":true,"hostPID":true,"hostIPC":true"#,
            [
                "spec.hostNetwork: Forbidden: when `hostUsers` is false", "spec.HostPID: Forbidden: when `hostUsers` is false",
                "spec.HostIPC: Forbidden: when `hostUsers` is false",
            ]
        ),
        (
            #""securityContext":{"seccompProfile":{"type":"Localhost","localhostProfile":"../../etc/passwd"}}"#,
            ["spec.securityContext.seccompProfile.localhostProfile: Invalid value: \"../../etc/passwd\": must not contain '..'"]
        ),
        (
            #""securityContext":{"seccompProfile":{"type":"Localhost","localhostProfile":"/etc/x"}}"#,
            ["spec.securityContext.seccompProfile.localhostProfile: Invalid value: \"/etc/x\": must be a relative path"]
        ),
        (
            #""securityContext":{"seccompProfile":{"type":"Localhost"}}"#,
            ["spec.securityContext.seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost"]
        ),
        (
            #""securityContext":{"seccompProfile":{}}"#,
            ["spec.securityContext.seccompProfile.type: Required value: type is required when seccompProfile is set"]
        ),
        (
            #""securityContext":{"appArmorProfile":{}}"#,
            ["spec.securityContext.appArmorProfile.type: Required value: type is required when appArmorProfile is set"]
        ),
        (
            #""securityContext":{"appArmorProfile":{"type":"Localhost","localhostProfile":" x"}}"#,
            ["spec.securityContext.appArmorProfile.localhostProfile: Invalid value: \" x\": must not be padded with whitespace"]
        ),
        (
            #""securityContext":{"appArmorProfile":{"type":"Localhost","localhostProfile":""}}"#,
            ["spec.securityContext.appArmorProfile.localhostProfile: Required value: must be set when AppArmor type is Localhost"]
        ),
        (
            #""securityContext":{"appArmorProfile":{"type":"Unconfined","localhostProfile":"x"}}"#,
            ["spec.securityContext.appArmorProfile.localhostProfile: Invalid value: \"x\": can only be set when AppArmor type is Localhost"]
        ),
        (
            #""securityContext":{"appArmorProfile":{"type":"Magic"}}"#,
            [
                "spec.securityContext.appArmorProfile.type: Unsupported value: \"Magic\": supported values: \"Localhost\", \"RuntimeDefault\", \"Unconfined\""
            ]
        ),
    ]

    @Test(arguments: specs) func podsAskTheKernelForWhatThereIs(fields: String, expected: [String]) throws {
        let spec = #"{"containers":[{"name":"c","image":"i"}],\#(fields)}"#
        #expect(try messages("v1/pods", #"{"metadata":{"name":"p","namespace":"d"},"spec":\#(spec)}"#) == expected)
    }

    @Test(arguments: [
        (
            #""securityContext":{"procMount":"Unmasked"}"#,
            ["spec.containers[0].securityContext.procMount: Invalid value: \"Unmasked\": `hostUsers` must be false to use `Unmasked`"]
        ),
        (
            #""livenessProbe":{"httpGet":{"port":80,"httpHeaders":[{"name":"A\r\nB","value":"x"}]}}"#,
            [
                "spec.containers[0].livenessProbe.httpGet.httpHeaders: Invalid value: \"A\\r\\nB\": a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
            ]
        ),
    ]) func containers(fields: String, expected: [String]) throws {
        let spec = #"{"containers":[{"name":"c","image":"i",\#(fields)}]}"#
        #expect(try messages("v1/pods", #"{"metadata":{"name":"p","namespace":"d"},"spec":\#(spec)}"#) == expected)
    }

    @Test(arguments: [
        (
            #"{"container.apparmor.security.beta.kubernetes.io/c":"localhost/x","seccomp.security.alpha.kubernetes.io/pod":"unconfined"}"#,
            []
        ),
        (
            #"{"container.apparmor.security.beta.kubernetes.io/d":"unconfined"}"#,
            ["metadata.annotations[container.apparmor.security.beta.kubernetes.io/d]: Invalid value: \"d\": container not found"]
        ),
        (
            #"{"container.apparmor.security.beta.kubernetes.io/c":"bad"}"#,
            [
                "metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: Invalid value: \"bad\": invalid AppArmor profile name: \"bad\""
            ]
        ),
        (
            #"{"container.seccomp.security.alpha.kubernetes.io/c":"localhost/../x"}"#,
            ["metadata.annotations.container.seccomp.security.alpha.kubernetes.io/c: Invalid value: \"../x\": must not contain '..'"]
        ),
        (
            #"{"kubernetes.io/config.mirror":"x"}"#,
            [
                "metadata.annotations[kubernetes.io/config.mirror]: Invalid value: \"x\": must set spec.nodeName if mirror pod annotation is set"
            ]
        ),
        (
            #"{"controller.kubernetes.io/pod-deletion-cost":"9999999999"}"#,
            [
                "metadata.annotations[controller.kubernetes.io/pod-deletion-cost]: Invalid value: \"9999999999\": must be a 32bit integer"
            ]
        ),
    ]) func annotations(_ annotations: String, expected: [String]) throws {
        let pod =
            #"{"metadata":{"name":"p","namespace":"d","annotations":\#(annotations)},"spec":{"containers":[{"name":"c","image":"i"}]}}"#
        #expect(try messages("v1/pods", pod) == expected)
    }

    /// An address, and what is wrong with it as an endpoint.
    static let endpoints: [(String, String)] = [
        ("10.0.0.1", ""), ("203.0.113.7", ""), ("2001:db8::1", ""), ("fc00::1", ""), ("0.0.0.0", "may not be unspecified (0.0.0.0)"),
        ("::", "may not be unspecified (::)"), ("127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("127.255.1.2", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("::1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("0:0:0:0:0:0:0:1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("::ffff:127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("::ffff:7f00:1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        ("169.254.169.254", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        ("fe80::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        ("febf::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        ("::ffff:169.254.169.254", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        ("224.0.0.1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
        ("ff02::1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ]

    @Test(arguments: endpoints) func endpointsAreElsewhere(address: String, problem: String) throws {
        let family = address.contains(":") ? "IPv6" : "IPv4"
        func invalid(_ field: String, _ problem: String) -> String { "\(field): Invalid value: \"\(address)\": \(problem)" }
        // An IPv4 address in IPv6 clothes is refused as such; only of an Endpoints is said beside that where it leads.
        let mapped = address.hasPrefix("::ffff:") ? "must not be an IPv4-mapped IPv6 address" : nil
        func expected(_ field: String) -> [String] {
            if let mapped { return [invalid(field, mapped)] }
            return problem.isEmpty ? [] : [invalid(field, problem)]
        }
        let name = #""metadata":{"name":"e","namespace":"d"}"#
        let ip = "subsets[0].addresses[0].ip"
        let found = try messages("v1/endpoints", #"{\#(name),"subsets":[{"addresses":[{"ip":"\#(address)"}]}]}"#)
        #expect(found.sorted() == (expected(ip) + (mapped == nil ? [] : [invalid(ip, problem)])).sorted())
        let slice = #"{\#(name),"addressType":"\#(family)","endpoints":[{"addresses":["\#(address)"]}],"ports":[]}"#
        // Those of IPv6 are written in one way alone.
        let isCanonical = mapped != nil || IPAddress(address)?.description == address
        let other = [invalid("endpoints[0].addresses[0]", "must be in canonical form (\"::1\")")]
        let told = try messages("discovery.k8s.io/v1/endpointslices", slice)
        #expect(told == (isCanonical ? expected("endpoints[0].addresses[0]") : other))
        let service = #"{\#(name),"spec":{"ports":[{"port":80}],"externalIPs":["\#(address)"]}}"#
        #expect(try messages("v1/services", service) == expected("spec.externalIPs[0]"))
    }

    @Test(arguments: ["", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1:2:3", ":::", "1::2::3", "g::1", "::1%lo", "1.2.3.4:80", "12345::"])
    func whatIsNoAddress(text: String) { #expect(IPScope(text) == nil) }
}
