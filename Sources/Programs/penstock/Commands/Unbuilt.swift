// What Penstock is to do one day: told apart from what is misspelled.
import ArgumentParser

enum Unbuilt {
    private static let commands: [[String]] =
        ["reproduce", "gc", "validate", "policy", "review", "drift", "token", "privacy", "backup", "restore", "import", "bench"].map { [$0] } + [
            ["contract", "infer"], ["contract", "diff"], ["registry", "diff"], ["registry", "verify"], ["release", "plan"], ["release", "simulate"], ["release", "carry"],
            ["release", "retire"], ["release", "impact"], ["decide", "replay"], ["decide", "explain"], ["decide", "freeze"], ["ledger", "prove"], ["ledger", "replay"],
            ["trust", "renew"],
        ]

    static func check(_ arguments: some Sequence<String>) throws {
        guard let command = commands.first(where: { arguments.starts(with: $0) }) else { return }
        throw ValidationError("'penstock \(command.joined(separator: " "))' is not built yet; 'penstock --help' lists what is")
    }
}
