// The workload of the kubelet suite's pods where a shell does not do.
//
//	workload serve FOLDER NAME   answers health checks over HTTP (8080), TCP (8081) and gRPC (8082) and counts them in
//	                             FOLDER/NAME.probes; while FOLDER/NAME.unready exists it fails them all
//	workload eat MEBIBYTES       takes so much memory, touches all of it, and stays
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	switch {
	case len(os.Args) == 4 && os.Args[1] == "serve":
		serve(os.Args[2], os.Args[3])
	case len(os.Args) == 3 && os.Args[1] == "eat":
		eat(os.Args[2])
	default:
		log.Fatal("usage: workload serve FOLDER NAME | workload eat MEBIBYTES")
	}
}

// probes are counted in a file, one line each, so that a test reads what arrived.
type probes struct {
	mutex  sync.Mutex
	file   *os.File
	marker string
}

func (p *probes) seen(kind, who string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if _, err := fmt.Fprintf(p.file, "%s %s\n", kind, who); err != nil {
		log.Fatal(err)
	}
}

func (p *probes) ready() bool {
	_, err := os.Stat(p.marker)
	return os.IsNotExist(err)
}

func serve(folder, name string) {
	file, err := os.OpenFile(filepath.Join(folder, name+".probes"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		log.Fatal(err)
	}
	p := &probes{file: file, marker: filepath.Join(folder, name+".unready")}
	go serveTCP(p)
	go serveGRPC(p)
	go serveHTTP(p)
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}

func serveHTTP(p *probes) {
	http.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		p.seen("http", r.UserAgent()+" "+r.Header.Get("X-Probe"))
		if !p.ready() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		}
	})
	log.Fatal(http.ListenAndServe(":8080", nil))
}

// serveTCP listens while it is ready: a closed port is what a TCP probe fails on.
func serveTCP(p *probes) {
	for {
		listener, err := net.Listen("tcp", ":8081")
		if err != nil {
			log.Fatal(err)
		}
		for p.ready() {
			connection, err := listener.Accept()
			if err != nil {
				log.Fatal(err)
			}
			p.seen("tcp", "connected")
			connection.Close()
		}
		listener.Close()
		for !p.ready() {
			syscall.Select(0, nil, nil, nil, &syscall.Timeval{Usec: 100_000})
		}
	}
}

type health struct {
	grpc_health_v1.UnimplementedHealthServer
	probes *probes
}

func (h health) Check(_ context.Context, request *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	h.probes.seen("grpc", request.Service)
	status := grpc_health_v1.HealthCheckResponse_SERVING
	if !h.probes.ready() {
		status = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	return &grpc_health_v1.HealthCheckResponse{Status: status}, nil
}

func serveGRPC(p *probes) {
	listener, err := net.Listen("tcp", ":8082")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health{probes: p})
	log.Fatal(server.Serve(listener))
}

func eat(mebibytes string) {
	count, err := strconv.Atoi(mebibytes)
	if err != nil {
		log.Fatal(err)
	}
	memory := make([]byte, count<<20)
	for at := 0; at < len(memory); at += 4096 {
		memory[at] = 1
	}
	fmt.Println("eaten", len(memory))
	select {}
}
