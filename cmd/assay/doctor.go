package main

import (
	"github.com/spf13/cobra"

	"github.com/assay-notebooks/assay/internal/hosts"
	"github.com/assay-notebooks/assay/internal/settings"
)

func newDoctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine has, what is missing, and what would make numbers noisy",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			findings, err := w.Doctor(cmd.Context())
			if err != nil {
				return err
			}
			err = list(newPrinter(cmd), "finding", findings, "\tWHAT\tFOUND", func(f hosts.Finding) []any {
				return []any{f.Mark, f.What, f.Found}
			})
			if err != nil {
				return err
			}
			return hosts.Verdict(findings)
		},
	}
}

func newConfig() *cobra.Command {
	return &cobra.Command{
		Use:   "config",
		Short: "Show every setting and where its value comes from",
		Long:  "Show every setting and where its value comes from: a variable, assay.yaml, or the default.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			w, err := workspace(cmd)
			if err != nil {
				return err
			}
			_, all, err := settings.Load(w.Root)
			if err != nil {
				return err
			}
			return list(newPrinter(cmd), "setting", all, "SETTING\tVALUE\tFROM\tVARIABLE", func(s settings.Setting) []any {
				return []any{s.Key, s.Value, s.Origin, s.Variable}
			})
		},
	}
}
