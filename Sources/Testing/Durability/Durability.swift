// Kills a writer at every step that changes the disk, fails its disk, and cuts its power, and says what was lost.
private import Foundation

/// `durability all --shim FILE [--rounds N] [--seeds N]` runs everything in a folder of its own and exits with 1 when a promise was broken.
/// `durability write KIND FOLDER ROUNDS` is the writer that it starts.
@main struct Durability {
    static func main() async {
        var arguments = Array(CommandLine.arguments.dropFirst())
        do {
            switch arguments.first {
            case "write" where arguments.count == 4:
                guard let kind = Workload(rawValue: arguments[1]), let rounds = Int(arguments[3]) else { throw Usage() }
                try await Writer(kind: kind, root: arguments[2], rounds: rounds).run()
            case "all":
                arguments.removeFirst()
                let settings = try Settings(arguments)
                exit(try await Runs(settings).all() ? 0 : 1)
            default: throw Usage()
            }
        } catch {
            FileHandle.standardError.write(Data("durability: \(error)\n".utf8))
            exit(error is Usage ? 64 : 70)
        }
    }
}

struct Usage: Error, CustomStringConvertible {
    var description: String { "usage: durability all --shim FILE [--rounds N] [--seeds N] [--kills N]" }
}

struct Settings {
    var shim = ""
    /// Artifacts and commits in one run of the writer.
    var rounds = 12
    /// Random choices of what reached the disk, for each cut.
    var seeds = 2
    /// The most kills of one kind; spread over all steps when there are more.
    var kills = 1000

    init(_ arguments: [String]) throws {
        var rest = arguments[...]
        while let name = rest.popFirst() {
            guard let value = rest.popFirst() else { throw Usage() }
            switch (name, Int(value)) {
            case ("--shim", _): shim = value
            case ("--rounds", let number?): rounds = number
            case ("--seeds", let number?): seeds = number
            case ("--kills", let number?): kills = number
            default: throw Usage()
            }
        }
        guard FileManager.default.fileExists(atPath: shim) else { throw Usage() }
    }
}
