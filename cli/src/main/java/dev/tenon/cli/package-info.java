/// The `tenon` command, one file for each thing a person does with it.
///
/// [dev.tenon.cli.Tenon] takes the arguments and hands them to a [dev.tenon.cli.Command]; each is
/// made of options that several share ([dev.tenon.cli.ModelFlags] and the like) and of its own.
///
/// What a program may read goes to the standard output through [dev.tenon.cli.Output], everything
/// else to the standard error. Whatever is thrown becomes one line there, by
/// [dev.tenon.cli.Failure].
package dev.tenon.cli;
