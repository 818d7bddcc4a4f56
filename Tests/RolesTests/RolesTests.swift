import Foundation
import TestSupport
import Testing

/// Each role as a process of its own: what the in-process client does for `apus up`, HTTPS does here.
@Suite(.serialized)
struct RolesTests {
    private static let manifest = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: hello}
        spec:
          replicas: 3
          selector: {matchLabels: {app: hello}}
          template:
            metadata: {labels: {app: hello}}
            spec:
              containers: [{name: web, image: "apus.local/hello:1", ports: [{containerPort: 8080}]}]
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: hello}
        spec:
          selector: {app: hello}
          ports: [{port: 80, targetPort: 8080}]
        """

    private static let policy = """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: deny}
        spec: {podSelector: {}}
        """

    private static let kubeletConfiguration = """
        apiVersion: kubelet.config.k8s.io/v1beta1
        kind: KubeletConfiguration
        evictionHard: {memory.available: 100Mi}
        """

    @Test func sixProcessesAreACluster() throws {
        let roles = try Roles()
        defer { roles.remove() }
        let data = "\(roles.directory)/api"
        try roles.start("kube-apiserver", "--data-dir", data, "--secure-port", "7443", "--authorization-mode=Node,RBAC")
        try roles.eventually { try roles.require(roles.kubectl("get", "--raw", "/readyz"), has: "ok") }
        let unhealthy = try roles.kubectl("get", "cs")
        try roles.require(unhealthy, has: "Get \"https://127.0.0.1:10257/healthz\"", "Get \"https://127.0.0.1:10259/healthz\"")

        try roles.start("kube-controller-manager", "--kubeconfig", "\(data)/kube-controller-manager.kubeconfig", "--controllers=*")
        try roles.start("kube-scheduler", "--kubeconfig", "\(data)/kube-scheduler.kubeconfig")
        // Whatever else fills the disk of the tests does not keep their pods away.
        let configuration = "\(roles.directory)/kubelet.yaml"
        try Self.kubeletConfiguration.write(toFile: configuration, atomically: true, encoding: .utf8)
        // Named as the machine, for which the API server made the kubeconfig.
        try roles.start(
            "kubelet", "--kubeconfig", "\(data)/kubelet.kubeconfig", "--root-dir", "\(roles.directory)/node", "--runtime-plugin",
            "runtime-fake", "--config", configuration,
            "--port", "7250", "--tls-cert-file", "\(data)/pki/kubelet.crt", "--tls-private-key-file", "\(data)/pki/kubelet.key",
            "--node-labels", "disk=fast")
        try roles.start("kube-proxy", "--kubeconfig", "\(data)/kube-proxy.kubeconfig")
        try roles.start("cluster-dns", "--kubeconfig", "\(data)/cluster-dns.kubeconfig")

        try roles.eventually {
            let statuses = try roles.kubectl("get", "cs", "--no-headers")
            if statuses.contains("Unhealthy") || statuses.split(separator: "\n").filter({ $0.contains("Healthy") }).count != 3 {
                throw Roles.Failure(description: statuses)
            }
        }
        try roles.eventually { try roles.require(roles.kubectl("get", "nodes", "-l", "disk=fast"), has: " Ready ", "+apus") }
        let node = try roles.kubectl("get", "nodes", "-o", "jsonpath={.items[0].metadata.name}")
        try roles.eventually {
            try roles.require(roles.kubectl("get", "configmap", "kube-root-ca.crt", "-o", "yaml"), has: "BEGIN CERTIFICATE")
        }

        try roles.kubectl("apply", "-f", "-", input: Self.manifest)
        try roles.kubectl("rollout", "status", "deployment/hello", "--timeout=60s")
        let pods = try roles.kubectl("get", "pods", "-o", "wide", "--no-headers").split(separator: "\n")
        #expect(pods.count == 3)
        #expect(pods.allSatisfy { $0.contains("Running") && $0.contains(node) })
        let address = try roles.kubectl("get", "pods", "-o", "jsonpath={.items[0].status.podIP}")
        try roles.eventually { try roles.require(roles.kubectl("get", "endpoints", "hello", "-o", "yaml"), has: address) }
        try roles.eventually { try roles.require(roles.inside("nft", "list", "ruleset"), has: address) }
        for (page, word) in [
            ("10248/healthz", "ok"), ("10254/healthz", "ok"), ("10256/healthz", #""nodeEligible":true"#),
            ("10256/livez", #""healthy":true"#),
            ("10249/proxyMode", "nftables"),
        ] { try roles.eventually { try roles.require(roles.inside("curl", "-sf", "http://127.0.0.1:\(page)"), has: word) } }
        // Names lead to Services: by the Service of the name server, which the proxy carries, too.
        try roles.eventually {
            let said = try roles.inside("busybox", "nslookup", "-type=a", "hello.default.svc.cluster.local", "10.96.0.10")
            try roles.require(said, has: roles.kubectl("get", "service", "hello", "-o", "jsonpath={.spec.clusterIP}"))
        }
        try roles.require(roles.kubectl("get", "lease", "-n", "kube-system"), has: "kube-controller-manager", "kube-scheduler")

        // Each component may act as the plugins it runs, and those may do what their manifests say.
        let manager = ["--kubeconfig", "\(data)/kube-controller-manager.kubeconfig"]
        #expect(try roles.canI(manager + ["impersonate", "users/system:plugin:deployment"]) == "yes")
        #expect(try roles.canI(manager + ["impersonate", "users/system:plugin:scheduler-default"]) == "no")
        // What works in a node's kernel runs beside its proxy.
        #expect(try roles.canI(manager + ["impersonate", "users/system:plugin:policy-nftables"]) == "no")
        try roles.kubectl("apply", "-f", "-", input: Self.policy)
        try roles.eventually {
            try roles.require(roles.inside("nft", "list", "map", "ip", "apus-policy", "ingress"), has: "\(address) : jump")
        }
        let plugin = manager + ["--as=system:plugin:deployment", "--as-group=system:plugins"]
        #expect(try roles.canI(plugin + ["create", "replicasets.apps"]) == "yes")
        #expect(try roles.canI(plugin + ["list", "secrets"]) == "no")

        // Each process says how its plugins are, and follows their objects; none may change what is asked of it.
        for (plugin, kind) in [
            ("deployment", "Controller"), ("scheduler-default", "SchedulerPolicy"), ("runtime-fake", "Runtime"),
            ("proxy-nftables", "Proxy"), ("policy-nftables", "Controller"), ("pod-routes", "Controller"),
            ("service-lb-link", "Controller"),
        ] {
            try roles.eventually { try roles.require(roles.kubectl("get", "plugin", plugin, "--no-headers"), has: kind, " Running ") }
        }
        try roles.eventually {
            try roles.require(roles.kubectl("get", "plugin", "runtime-cri", "-o", "wide"), has: "Skipped", "plugin runtime-fake was chosen")
        }
        try roles.kubectl("patch", "plugin", "example-controller", "--type", "merge", "-p", #"{"spec":{"enabled":true}}"#)
        try roles.eventually {
            try roles.require(roles.kubectl("get", "namespace", "default", "--show-labels"), has: "example.apus.dev/managed=true")
        }
        try roles.eventually {
            try roles.require(roles.kubectl("describe", "plugin", "example-controller"), has: "Started", "plugin-host", "State:")
        }
        #expect(try roles.canI(manager + ["patch", "plugins.plugins.apus.dev"]) == "no")
        #expect(try roles.canI(manager + ["patch", "plugins.plugins.apus.dev", "--subresource=status"]) == "yes")
        #expect(try roles.canI(manager + ["impersonate", "users/system:plugin:example-controller"]) == "yes")
        try roles.kubectl("patch", "plugin", "example-controller", "--type", "merge", "-p", #"{"spec":{"enabled":false}}"#)
        try roles.eventually {
            try roles.require(
                roles.kubectl("get", "plugin", "example-controller", "-o", "wide"), has: "Skipped", "disabled by its manifest")
        }

        // A controller manager that comes back takes over at once: the one that went gave the lease back.
        #expect(try roles.stop("kube-controller-manager") == 0)
        try roles.require(roles.kubectl("get", "cs"), has: "Unhealthy")
        try roles.start(
            "kube-controller-manager", "--kubeconfig", "\(data)/kube-controller-manager.kubeconfig",
            "--cluster-signing-cert-file", "\(data)/pki/ca.crt", "--cluster-signing-key-file", "\(data)/pki/ca.key")
        try roles.kubectl("scale", "deployment/hello", "--replicas=5")
        try roles.kubectl("rollout", "status", "deployment/hello", "--timeout=30s")

        // A machine without a certificate asks for one, and keeps it where there was nothing yet.
        try roles.start(
            "kubelet", as: "joining", "--name", "joins", "--bootstrap-kubeconfig", "\(data)/admin.kubeconfig",
            "--kubeconfig", "\(roles.directory)/joined/etc/kubeconfig",
            "--root-dir", "\(roles.directory)/joined", "--hostname-override", "joins", "--pod-cidr", "10.244.7.0/24",
            "--runtime-plugin", "runtime-fake", "--config", configuration, "--port", "7251", "--healthz-port", "0")
        try roles.eventually { try roles.require(roles.kubectl("get", "node", "joins"), has: " Ready ") }
        #expect(try roles.stop("joining") == 0)

        #expect(try roles.stop("cluster-dns") == 0)
        // It took its address along.
        #expect(try !roles.kubectl("get", "endpointslices", "-n", "kube-system", "-o", "name").contains("kube-dns"))
        for role in ["kube-proxy", "kubelet", "kube-scheduler", "kube-controller-manager", "kube-apiserver"] {
            #expect(try roles.stop(role) == 0, "\(role): \((try? String(contentsOfFile: roles.log(role), encoding: .utf8)) ?? "")")
        }
    }

    @Test(arguments: [
        (["kube-apiserver", "--etcd-servers=http://127.0.0.1:2379"], "the etcd engine is not there yet"),
        (["kube-apiserver", "--authorization-mode=ABAC"], "ABAC is not supported"),
        (["kube-apiserver", "--no-such-flag=1"], "Unknown option '--no-such-flag'"),
        (["kube-apiserver", "--tls-cert-file=/a"], "--tls-cert-file and --tls-private-key-file go together"),
        (["kube-controller-manager"], "--kubeconfig"),
        (
            ["kube-controller-manager", "--kubeconfig=/nowhere", "--controllers=*,-nope"],
            "\"nope\" is not in the list of known controllers"
        ),
        (["kube-scheduler", "--kubeconfig=/nowhere"], "--kubeconfig: cannot read /nowhere"),
        (["kubelet", "--kubeconfig=/nowhere", "--register-with-taints=a:Never"], "a:Never is not a taint"),
        (["cluster-dns", "--kubeconfig=/nowhere", "--cluster-ip=dns"], "The value 'dns' is invalid for '--cluster-ip"),
        (["kube-proxy", "--kubeconfig=/nowhere", "--healthz-bind-address=x"], "x is not an address and a port"),
    ])
    func refusesWhatItDoesNotKnow(arguments: [String], reason: String) throws {
        let text = try Roles.refusal(arguments)
        #expect(text.contains(reason), "\(text)")
    }
}
