// What the program says of itself: every command explained, every option, every wrong use.
import Foundation
import Testing

/// The program's own description, as ArgumentParser dumps it.
private struct Described: Decodable, Sendable {
    struct Command: Decodable, Sendable {
        var commandName: String
        var abstract: String?
        var discussion: String?
        var arguments: [Argument]?
        var subcommands: [Command]?
        var superCommands: [String]?

        /// Without the name of the program.
        var words: [String] { (superCommands ?? []).dropFirst() + [commandName] }
        var leaves: [Command] { subcommands?.flatMap(\.leaves) ?? [self] }
        var all: [Command] { [self] + (subcommands ?? []).flatMap(\.all) }
        var options: Set<String> { Set((arguments ?? []).flatMap { $0.names ?? [] }.map(\.name)) }
    }

    struct Argument: Decodable, Sendable {
        struct Name: Decodable, Sendable { var name: String }
        var kind: String
        var abstract: String?
        var names: [Name]?
        var valueName: String?
        var isOptional: Bool
    }

    var command: Command

    static func read() async throws -> Described {
        let folder = try Folder()
        let run = try await Program.built.get().succeed(["--experimental-dump-help"], in: folder.path)
        var described = try JSONDecoder().decode(Described.self, from: Data(run.output.utf8))
        // ArgumentParser's own.
        described.command.subcommands?.removeAll { $0.commandName == "help" }
        return described
    }
}

extension ProgramTests {
    @Suite struct HelpTests {
        @Test func everyCommandIsExplainedWithAnExample() async throws {
            let root = try await Described.read().command
            #expect(root.all.count > 30)
            for command in root.all {
                let name = command.words.joined(separator: " ")
                #expect(!(command.abstract ?? "").isEmpty, "\(name) has no abstract")
                let lines = (command.discussion ?? "").split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
                let examples = lines.filter { $0.hasPrefix("penstock ") }
                #expect(!examples.isEmpty, "\(name) has no example")
                guard command.subcommands == nil else { continue }
                #expect(examples.contains { $0.hasPrefix("penstock \(name)") }, "\(name) has no example of its own")
            }
        }

        @Test func everyOptionIsExplained() async throws {
            for command in try await Described.read().command.all {
                for argument in command.arguments ?? [] {
                    let name = argument.names?.first?.name ?? argument.valueName ?? "?"
                    #expect(!(argument.abstract ?? "").isEmpty, "\(command.words.joined(separator: " ")) \(name)")
                }
            }
        }

        /// What prints sentences, one decision or nothing; every other command prints tables, and so JSON too.
        private static let withoutTables: Set = [
            "init", "up", "down", "serve", "control-plane", "decide send", "ledger export", "ledger checkpoint", "release dossier", "trust sign", "trust verify",
            "key new",
            "key show",
            "worker probe",
        ]

        @Test func everyCommandThatPrintsATableTakesOutput() async throws {
            let leaves = try await Described.read().command.leaves
            for command in leaves {
                let name = command.words.joined(separator: " ")
                #expect(command.options.contains("output") != Self.withoutTables.contains(name), "\(name)")
            }
            #expect(Self.withoutTables.isSubset(of: leaves.map { $0.words.joined(separator: " ") }))
        }

        @Test func wrongUsageOfEveryCommandExitsWith64() async throws {
            let folder = try Folder()
            for command in try await Described.read().command.leaves {
                let name = command.words.joined(separator: " ")
                try await Refusal("\(name), an unknown option", name, ["--no-such-option"], exits: 64, says: "Usage: penstock \(name)").check(in: folder)
                if command.options.contains("output") {
                    try await Refusal("\(name), an unknown form", name, ["--output", "xml"], exits: 64, says: "'xml'", "--output").check(in: folder)
                }
                guard let needed = command.arguments?.first(where: { !$0.isOptional }) else { continue }
                let missing = needed.names?.first.map { "--\($0.name)" } ?? "<\(needed.valueName ?? "")>"
                try await Refusal("\(name) alone", name, exits: 64, says: missing).check(in: folder)
            }
        }

        @Test(arguments: [
            Refusal("no such command", "frobnicate", exits: 64, says: "'frobnicate'", "penstock --help"),
            Refusal("a command of a later version", "reproduce flight-delay@1", exits: 64, says: "'penstock reproduce' is not built yet", "penstock --help"),
            Refusal("a part of a command of a later version", "release simulate", exits: 64, says: "'penstock release simulate' is not built yet", "penstock --help"),
            Refusal("no such part of a command", "release improve", exits: 64, says: "'improve'", "penstock release --help"),
            Refusal("a person's name with a path in it", "key new --person ../ada", exits: 64, says: "'../ada'", "--person"),
            Refusal("a version without a number", "registry show flight-delay", exits: 64, says: "'flight-delay'", "flight-delay@1"),
            Refusal("an instant that is none", "registry live --at yesterday", exits: 64, says: "'yesterday'", "RFC 3339"),
            Refusal("a number that is none", "init --days many", exits: 64, says: "'many'", "--days"),
            Refusal("a listening address without a port", "up --control localhost", exits: 64, says: "'localhost'", "--control"),
            Refusal("a port beyond the last", "up --node 127.0.0.1:65536", exits: 64, says: "'127.0.0.1:65536'", "--node"),
        ])
        func whatCannotBeReadIsNamed(_ refusal: Refusal) async throws { try await refusal.check(in: Folder()) }

        @Test func exitCodesAreDocumented() async throws {
            let folder = try Folder()
            let help = try await Program.built.get().succeed(["--help"], in: folder.path).output
            for code in ["0", "1", "64", "65", "66", "69", "70", "73", "77"] { #expect(help.contains(try Regex("\\b\(code) [a-z]")), "\(code)") }
            #expect(try await Program.built.get().succeed(["--version"], in: folder.path).output.contains(try Regex(#"^[0-9]+\.[0-9]+\.[0-9]+\n$"#)))
        }
    }
}
