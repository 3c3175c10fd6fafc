// The command line: the only place that names concrete adapters.
import ArgumentParser

@main
struct Penstock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "penstock",
        abstract: "Takes models from a notebook to continuous production, through gates that do not open without evidence.",
        discussion: """
            A first installation, for three people and one decision service:

              penstock key new --person ada            each person, on their own machine
              penstock init --system demo --environment staging \\
                --person ada:proposer:ada.pub --person ben:reviewer:ben.pub --person cleo:risk-owner:cleo.pub
              penstock trust sign --key ada.key        each person
              penstock up --detach

            Exit codes: 0 done · 1 a check says no · 64 wrong usage · 65 a file or value cannot be taken · 66 a file is missing · \
            69 something needed does not answer · 70 a bug · 73 cannot be written · 77 refused by a rule (signature, four eyes, evidence).
            """,
        version: programVersion,
        subcommands: [
            RunCommand.self, ExplainCommand.self, ContractCommand.self,
            InitCommand.self, DoctorCommand.self, UpCommand.self, DownCommand.self, ServeCommand.self, ControlPlaneCommand.self, RegistryCommand.self,
            ReleaseCommand.self, DecideCommand.self, OutcomeCommand.self, LedgerCommand.self, TrustCommand.self, KeyCommand.self, WorkerCommand.self,
        ])

    static func main() async {
        Terminal.prepare()
        do {
            try Unbuilt.check(CommandLine.arguments.dropFirst())
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            Terminal.say(failure)
            exit(withError: failure.code)
        } catch {
            if let failure = Failure(translating: error) {
                Terminal.say(failure)
                exit(withError: failure.code)
            }
            // Help, usage and exit codes are ArgumentParser's; anything else should have been translated.
            guard exitCode(for: error) == .failure, !(error is ExitCode) else { exit(withError: error) }
            let bug = Failure.bug("\(error)")
            Terminal.say(bug)
            exit(withError: bug.code)
        }
    }
}

let programVersion = "0.1.0"
