/// What expressions may use: variables, functions, macros and types.
///
/// Made once for each place where expressions stand and shared; safe from any task.
///
/// ```swift
/// let environment = Environment.kubernetes.with([Variable("self", schema.declared!), Variable("oldSelf", schema.declared!)])
/// let program = try environment.compile("self.replicas <= self.maxReplicas")
/// ```
public struct Environment: Sendable {
    let functions: [String: Function]
    let macros: [MacroKey: Macro]
    let typeNames: [String: CELType]
    let variables: [Variable]
    let objects: [String: DeclaredType]
    let structures: (any StructureTypes)?
    /// Whether a literal list or map may have elements of different types.
    let mixesLiterals: Bool

    /// The language as Kubernetes 1.36 has it, without variables.
    public static let kubernetes = Environment(libraries: Library.kubernetes)

    public init(libraries: [Library], variables: [Variable] = []) {
        self.init(libraries: libraries, variables: variables, mixesLiterals: false)
    }

    init(libraries: [Library], variables: [Variable], mixesLiterals: Bool) {
        let empty = Environment(
            functions: [:], macros: [:], typeNames: [:], variables: [], objects: [:], structures: nil, mixesLiterals: mixesLiterals)
        self = empty.with(variables, libraries: libraries)
    }

    private init(
        functions: [String: Function], macros: [MacroKey: Macro], typeNames: [String: CELType], variables: [Variable],
        objects: [String: DeclaredType], structures: (any StructureTypes)?, mixesLiterals: Bool
    ) {
        self.functions = functions
        self.macros = macros
        self.typeNames = typeNames
        self.variables = variables
        self.objects = objects
        self.structures = structures
        self.mixesLiterals = mixesLiterals
    }

    /// The same environment with more in it. A function of a library that is there already gets more overloads.
    ///
    /// The first variable of an environment is what sizes are estimated by: that which the rules of a schema are about.
    public func with(_ more: [Variable], libraries: [Library] = []) -> Environment {
        var functions = functions
        var macros = macros
        var typeNames = typeNames
        for library in libraries {
            for function in library.functions {
                functions[function.name, default: Function(function.name)].overloads += function.overloads
            }
            for macro in library.macros { macros[macro.key] = macro }
            for type in library.types { typeNames[type.runtimeName] = type }
        }
        var objects = objects
        for variable in more { variable.type.collectObjects(into: &objects) }
        return Environment(
            functions: functions, macros: macros, typeNames: typeNames, variables: variables + more, objects: objects,
            structures: structures, mixesLiterals: mixesLiterals)
    }

    /// The same environment with object types that expressions can construct.
    func with(structures: any StructureTypes) -> Environment {
        Environment(
            functions: functions, macros: macros, typeNames: typeNames, variables: variables, objects: objects, structures: structures,
            mixesLiterals: mixesLiterals)
    }

    /// Parses, checks and plans an expression.
    ///
    /// - Throws: `CompilationError` with all that is wrong with it, as the API reports it.
    public func compile(_ text: String) throws(CompilationError) -> Program {
        let source = SourceText(text)
        var (tree, count, issues) = Parser.parse(source, macros: macros)
        guard issues.isEmpty else { throw CompilationError(issues, source) }
        let checked: CheckedExpression
        (checked, issues) = Checker.check(tree, count: count, in: self)
        guard issues.isEmpty else { throw CompilationError(issues, source) }
        LiteralRules.check(checked, in: self, &issues)
        guard issues.isEmpty else { throw CompilationError(issues, source) }
        return try Program(checked, in: self)
    }
}

/// A variable of an environment.
public struct Variable: Sendable {
    public let name: String
    public let type: DeclaredType

    public init(_ name: String, _ type: DeclaredType) {
        self.name = name
        self.type = type
    }
}

/// Object types that expressions can construct: `JSONPatch{op: "remove", path: "/a"}`.
protocol StructureTypes: Sendable {
    /// Whether there is a type of this name.
    func has(_ type: String) -> Bool
    /// The type of a field, `nil` where there is no such field.
    func field(_ name: String, of type: String) -> CELType?
    func make(_ type: String, _ fields: [(name: String, value: CELValue)]) throws(EvaluationError) -> CELValue
}

/// Why an expression cannot be used.
public struct CompilationError: Error, Sendable, CustomStringConvertible {
    /// Whether the expression itself is good, and only a constant part of it has no value.
    public let isInstantiation: Bool
    /// `ERROR: <input>:1:1: undeclared reference to 'x' (in container '')` and the line it is about, for each mistake.
    public let message: String

    /// As the API says it: `compilation failed: …` or `program instantiation failed: …`.
    public var description: String { (isInstantiation ? "program instantiation failed: " : "compilation failed: ") + message }

    init(_ issues: Issues, _ source: SourceText) {
        isInstantiation = false
        message = issues.display(in: source)
    }

    init(instantiation error: EvaluationError) {
        isInstantiation = true
        message = error.message
    }
}
