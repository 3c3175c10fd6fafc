// Keys of people.
import ArgumentParser
import Evidence
import Primitives

struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "Makes and shows the keys with which people sign.", discussion: "  penstock key new --person ada", subcommands: [New.self, Show.self])

    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Makes a key pair: NAME.key to keep, NAME.pub to hand out.", discussion: "  penstock key new --person ada --directory ~/keys")
        @Option(help: "Whose key it is; names the files.") var person: PersonID
        @Option(help: "The folder for both files.") var directory: String = "."

        func run() async throws {
            let key = SigningKey()
            let stem = "\(directory)/\(person)"
            // Both or neither.
            try Files.requireAbsent(["\(stem).key", "\(stem).pub"])
            try Files.makeFolder(directory)
            try KeyFiles.write(key, private: "\(stem).key")
            try KeyFiles.write(key.verificationKey, public: "\(stem).pub")
            print("Made \(directory)/\(person).key (keep it) and \(directory)/\(person).pub (hand it out), key \(key.verificationKey.id.digest.short).")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows the id of a public key file.", discussion: "  penstock key show ada.pub")
        @Argument(help: "A .pub file.") var file: String

        func run() async throws { print(try KeyFiles.verificationKey(file).id) }
    }
}
