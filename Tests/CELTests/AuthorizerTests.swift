import APIModel
import Synchronization
import Testing

@testable import CEL

struct AuthorizerTests {
    @Test(arguments: [
        ("authorizer.path('/healthz').check('get').allowed()", "true"), ("authorizer.path('/healthz').check('post').allowed()", "false"),
        ("authorizer.path('/healthz').check('post').reason()", #""no""#),
        ("authorizer.path('').check('get')", "error: path must not be empty"),
        (
            "authorizer.group('apps').resource('deployments').subresource('scale').namespace('a').name('b').check('get').reason()",
            #""all may""#
        ),
        ("authorizer.group('').resource('pods').name('broken').check('get').errored()", "true"),
        ("authorizer.group('').resource('pods').name('broken').check('get').error()", #""it broke""#),
        ("authorizer.group('').resource('pods').name('broken').check('get').allowed()", "false"),
        ("authorizer.serviceAccount('default', 'me').group('').resource('pods').check('get').allowed()", "true"),
        (
            "authorizer.check('get')",
            "refused: 1:17: found no matching overload for 'check' applied to 'kubernetes.authorization.Authorizer.(string)'"
        ),
    ])
    func checks(text: String, expected: String) throws {
        #expect(outcome(text, in: Example.environment, try Example.variables()) == expected)
    }

    /// What is asked for is what the expression says, field for field.
    @Test func asksForAll() throws {
        let asked = Recorder()
        let environment = Environment.kubernetes.with(
            [
                Variable("authorizer", .opaque(.authorizer)), Variable("requestResource", .opaque(.resourceCheck)),
            ], libraries: [])
        let text =
            "authorizer.serviceAccount('ns', 'sa').group('g').resource('r').subresource('s').namespace('n').name('x')"
            + ".fieldSelector('a=b').labelSelector('c=d').check('list').allowed()"
        _ = outcome(text, in: environment, ["authorizer": .authorizer(asked)])
        var resource = AuthorizationResource(group: "g", resource: "r", subresource: "s", namespace: "n", name: "x")
        resource.fieldSelector = "a=b"
        resource.labelSelector = "c=d"
        #expect(
            asked.queries == [
                AuthorizationQuery(
                    serviceAccount: ServiceAccountName(namespace: "ns", name: "sa"), verb: "list", target: .resource(resource))
            ])
    }

    @Test func badServiceAccount() throws {
        #expect(
            outcome("authorizer.serviceAccount('A', 'b')", in: Example.environment, try Example.variables())
                == "error: Invalid service account namespace")
    }
}

private final class Recorder: ExpressionAuthorizer {
    private let asked = Mutex<[AuthorizationQuery]>([])
    var queries: [AuthorizationQuery] { asked.withLock { $0 } }
    func authorize(_ query: AuthorizationQuery) -> AuthorizationAnswer {
        asked.withLock { $0.append(query) }
        return AuthorizationAnswer(isAllowed: true)
    }
}
