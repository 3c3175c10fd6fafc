// What the control plane runs in a sandboxed child: the first load of a model file.
import ArgumentParser
import Foundation
import ModelEngines
import Primitives
import SandboxedProbe
import YAMLDocuments

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker", abstract: "Work that runs boxed in a child process; started by Penstock itself.",
        discussion: "  penstock worker probe < order.json", shouldDisplay: false, subcommands: [Probe.self])

    struct Probe: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Loads a model and measures it; reads an order from standard input.",
            discussion: "  penstock worker probe < order.json")

        func run() async throws {
            let order = try StrictJSON.decode(ProbeOrder.self, from: Array(FileHandle.standardInput.readDataToEndOfFile()))
            let answer = order.carryOut(engine: ModelEngines(), parser: YAMLDocumentParser())
            FileHandle.standardOutput.write(Data(StrictJSON.encode(answer)))
        }
    }
}
